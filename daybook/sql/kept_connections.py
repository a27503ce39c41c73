"""Keep connections between the loads of one run. Each load gets one whose session is like that of a new one.

A new connection costs more than the load of a small table: a process of the server, a login, certificates, and catalog
caches that are empty. Within `kept_connections`, `daybook.sql.connection.connect` reuses those that are idle.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from daybook.sql.network_limits import unwatch


class KeptConnections:
    """The idle connections of a run, by engine. Threads share them."""

    def __init__(self) -> None:
        self._idle: WeakKeyDictionary[Engine, list[Any]] = WeakKeyDictionary()
        self._lock, self._open = Lock(), True

    def take(self, engine: Engine) -> Any:
        """Return an idle connection of the engine, or None."""
        with self._lock:
            idle = self._idle.get(engine)
            return idle.pop() if idle else None

    def give_back(self, engine: Engine, connection: Any) -> bool:
        """Keep a connection whose work succeeded. Return False if it must be closed."""
        reset = _RESETS.get(engine.dialect.name)
        if reset is None:
            return False
        try:
            reset(connection)
        except Exception:  # it is broken, or the server does not know the statement
            return False
        with self._lock:
            if self._open:
                self._idle.setdefault(engine, []).append(connection)
            return self._open

    def close(self) -> None:
        """Close all idle connections, and keep no others."""
        with self._lock:
            self._open, kept = False, [one for idle in self._idle.values() for one in idle]
            self._idle.clear()
        for connection in kept:
            close(connection)


@contextmanager
def kept_connections() -> Iterator[None]:
    """Keep connections within the block, and in threads that run in a copy of its context."""
    kept = KeptConnections()
    token = _current.set(kept)
    try:
        yield
    finally:
        _current.reset(token)
        kept.close()


def current() -> KeptConnections | None:
    """Return the connections of the current run, or None if it keeps none."""
    return _current.get()


def close(connection: Any) -> None:
    """Close a connection of a driver. A broken one fails to close, after the error that broke it."""
    unwatch(connection)
    with suppress(Exception):
        connection.close()


def _reset_postgresql(connection: Any) -> None:
    """End the transaction, drop temporary tables, release locks, and restore the settings of a new session."""
    connection.rollback()
    connection.autocommit = True
    with connection.cursor() as cursor:
        if connection.info.transaction_status:  # not idle: after a BEGIN that the driver does not know
            cursor.execute("ROLLBACK")
        cursor.execute("DISCARD ALL")


def _reset_mysql(connection: Any) -> None:
    """End the transaction, with its snapshot and its locks. A load sets all settings of its session that it needs."""
    connection.rollback()


_current: ContextVar[KeptConnections | None] = ContextVar("daybook_kept_connections", default=None)
#: By SQLAlchemy's name of the dialect. Redshift has no DISCARD, so its connections are not kept.
_RESETS: dict[str, Callable[[Any], None]] = {
    "postgresql": _reset_postgresql,
    "mysql": _reset_mysql,
    "mariadb": _reset_mysql,
}
