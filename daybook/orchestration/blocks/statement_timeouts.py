"""Time limits for a database that hangs, so that no caller waits forever."""

from typing import Any

from sqlalchemy import Engine, event


def set_timeouts(engine: Engine, seconds: int) -> None:
    """Limit connection attempts and statements of `engine`, a PostgreSQL or Redshift, to `seconds` each.

    The keepalives of the connection notice a machine that disappears while it works.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        # libpq applies the limit to each address of the host, for the whole handshake
        parameters.update(connect_timeout=seconds, keepalives_idle=seconds, keepalives_interval=10, keepalives_count=3)

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout TO {seconds * 1000}")
        connection.commit()
