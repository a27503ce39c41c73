"""A database that hangs instead of refusing: nobody who asks it waits for ever."""

from typing import Any

from sqlalchemy import Engine, event


def set_timeouts(engine: Engine, seconds: int) -> None:
    """Have connections of `engine`, a PostgreSQL or Redshift, fail that take longer, and statements that do.

    A machine that disappears without a word while it works is noticed by the keepalives of the connection.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        # libpq's limit is for each address that the host has, and counts the whole handshake
        parameters.update(connect_timeout=seconds, keepalives_idle=seconds, keepalives_interval=10, keepalives_count=3)

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout TO {seconds * 1000}")
        connection.commit()
