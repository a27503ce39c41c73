"""One database connection for one piece of work, as its driver makes it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine


@contextmanager
def connect(engine: Engine) -> Iterator[Any]:
    """A new connection of the driver's own, which no pool resets or hands on; closed at the end.

    Raises what the driver raises when it cannot connect, as a SQLAlchemy `DBAPIError`.
    """
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    try:
        yield connection
    finally:
        with suppress(Exception):  # one that is broken cannot say goodbye, and the reason is on its way already
            connection.close()  # type: ignore[union-attr]
