"""Limit how long a database connection waits for a network or a server that does not answer.

Without limits, a connection waits forever, or for the two hours of the kernel's default. The limits are, in seconds:

- `connect_timeout` for a new connection, including the login,
- keepalives, which find a lost host or a firewall that has dropped the connection within two minutes,
- `read_timeout` without a byte from the server while a statement runs, for a server or proxy that accepts but does not
  answer. It must be longer than the longest statement that sends nothing until it ends, such as a COPY of Redshift.

Options of the database's URL override the first and the last: `?connect_timeout=10&read_timeout=86400`.
"""

import os
import socket
import struct
import threading
import weakref
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

CONNECT_SECONDS = 30
READ_SECONDS = 4 * 3600
#: Seconds of silence before the first probe, seconds between two probes, and probes without an answer.
IDLE, INTERVAL, COUNT = 60, 10, 6
#: The option of a URL.
READ_TIMEOUT = "read_timeout"
#: The key of a connection's limit in SQLAlchemy's `info`.
_LIMIT = "daybook_read_timeout"
#: Two fields of Linux's `struct tcp_info`: milliseconds since data was sent and received.
_LAST_SENT, _LAST_RECEIVED, _TCP_INFO_BYTES = 44, 52, 104

#: libpq's status of a connection while a statement runs.
_ACTIVE = 1

_limited: "weakref.WeakSet[Engine]" = weakref.WeakSet()
_adding = threading.Lock()


def limit_waits(engine: Engine) -> None:
    """Set the limits for connections that the engine opens from now on. Other drivers than two keep their own."""
    opened = {"psycopg2": _opened_by_psycopg2, "pymysql": _opened_by_pymysql}.get(engine.dialect.driver)
    with _adding:
        if opened is None or engine in _limited:
            return
        event.listen(engine, "do_connect", _before_connect)
        # Before SQLAlchemy's own listener, which runs the first statements.
        event.listen(engine, "connect", opened, insert=True)
        _limited.add(engine)


def _before_connect(dialect: Any, record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    record.info[_LIMIT] = float(parameters.pop(READ_TIMEOUT, READ_SECONDS))
    connect_timeout = parameters.setdefault("connect_timeout", CONNECT_SECONDS)
    if dialect.driver == "pymysql":  # its connect_timeout does not include the login
        parameters[READ_TIMEOUT] = float(connect_timeout)
    else:
        for name, value in (("idle", IDLE), ("interval", INTERVAL), ("count", COUNT)):
            parameters.setdefault(f"keepalives_{name}", value)


def _opened_by_pymysql(connection: Any, record: Any) -> None:
    connection._read_timeout = _limit(record)
    for name, value in (("TCP_KEEPIDLE", IDLE), ("TCP_KEEPINTVL", INTERVAL), ("TCP_KEEPCNT", COUNT)):
        if hasattr(socket, name) and connection._sock.family != socket.AF_UNIX:
            connection._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _opened_by_psycopg2(connection: Any, record: Any) -> None:
    if hasattr(socket, "TCP_INFO"):
        _watcher.add(connection, _limit(record))


def _limit(record: Any) -> float:
    """Return the limit of a connection in seconds. Another thread may have begun to open it before `limit_waits`."""
    return float(record.info.get(_LIMIT, READ_SECONDS))


def unwatch(connection: Any) -> None:
    """End the watch of a connection, before it is closed."""
    with suppress(TypeError):  # other drivers' connections may not allow weak references
        _watcher.remove(connection)


def was_silent(connection: Any) -> bool:
    """Return True if Daybook has shut this psycopg2 connection, because its server was silent for too long."""
    return connection in _watcher.silent


class _Watcher:
    """Shuts the sockets of psycopg2 connections whose server is silent for too long. libpq has no such limit.

    One thread looks at all open connections from time to time. It does not keep them alive. It needs Linux.
    """

    def __init__(self) -> None:
        self.silent: weakref.WeakSet[Any] = weakref.WeakSet()
        self._limits: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
        self._changed, self._thread = threading.Condition(), threading.Thread()

    def add(self, connection: Any, limit: float) -> None:
        with self._changed:
            self._limits[connection] = limit
            if not self._thread.is_alive():  # the first connection, or a forked process
                self._thread = threading.Thread(target=self._run, name="network-watch", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, connection: Any) -> None:
        with self._changed:
            self._limits.pop(connection, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(min([30, *(limit / 4 for limit in self._limits.values())]))
                self._check()

    def _check(self) -> None:
        for connection, limit in list(self._limits.items()):
            if connection.closed:
                del self._limits[connection]
            elif silent_seconds(connection) >= limit:
                del self._limits[connection]
                self.silent.add(connection)
                shut(connection)


_watcher = _Watcher()


def silent_seconds(connection: Any) -> float:
    """Return for how long a psycopg2 connection has neither sent nor received data, or 0 if no statement runs."""
    try:
        if connection.info.transaction_status != _ACTIVE:
            return 0
        with _socket_of(connection) as its:
            info = its.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    except Exception:  # the connection is closed, or is a Unix socket
        return 0
    return min(struct.unpack_from("I", info, at)[0] for at in (_LAST_SENT, _LAST_RECEIVED)) / 1000


def shut(connection: Any) -> None:
    """Shut the socket of a psycopg2 connection, so that whatever waits for it fails at once."""
    with suppress(Exception), _socket_of(connection) as its:
        its.shutdown(socket.SHUT_RDWR)


def _socket_of(connection: Any) -> socket.socket:
    return socket.socket(fileno=os.dup(connection.fileno()))
