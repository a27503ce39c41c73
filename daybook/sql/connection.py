"""Open one database connection of a driver, outside of any pool."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from daybook.sql.database_error import ErrorReader, translated
from daybook.sql.kept_connections import close, current
from daybook.sql.network_limits import limit_waits


@contextmanager
def connect(engine: Engine, read_error: ErrorReader) -> Iterator[Any]:
    """Open a new connection of the driver's own, outside of any pool, and close it at the end.

    It does not wait forever for a network or a server that does not answer: see `daybook.sql.network_limits`. A run of
    several loads may keep it instead, if nothing failed, and open it again: see `daybook.sql.kept_connections`.

    Raises:
        DatabaseError: the driver cannot connect. `read_error` converts its exception. Exceptions of statements stay
            unchanged.
    """
    kept = current()
    connection = (kept.take(engine) if kept else None) or _opened(engine, read_error)
    try:
        yield connection
    except BaseException:
        close(connection)
        raise
    if not (kept and kept.give_back(engine, connection)):
        close(connection)


def _opened(engine: Engine, read_error: ErrorReader) -> Any:
    limit_waits(engine)
    with translated(read_error):
        pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    return connection
