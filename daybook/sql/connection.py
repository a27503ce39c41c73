"""Open one database connection of a driver, outside of any pool."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine

from daybook.sql.database_error import ErrorReader, translated
from daybook.sql.network_limits import limit_waits, unwatch


@contextmanager
def connect(engine: Engine, read_error: ErrorReader) -> Iterator[Any]:
    """Open a new connection of the driver's own, outside of any pool, and close it at the end.

    It does not wait forever for a network or a server that does not answer: see `daybook.sql.network_limits`.

    Raises:
        DatabaseError: the driver cannot connect. `read_error` converts its exception. Exceptions of statements stay
            unchanged.
    """
    limit_waits(engine)
    with translated(read_error):
        pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    try:
        yield connection
    finally:
        unwatch(connection)
        with suppress(Exception):  # a broken connection fails to close, after the error that broke it
            connection.close()  # type: ignore[union-attr]
