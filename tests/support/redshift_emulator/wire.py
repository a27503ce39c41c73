"""PostgreSQL's wire protocol, version 3: messages, and a connection to the PostgreSQL behind the emulator.

https://www.postgresql.org/docs/current/protocol.html
"""

import contextlib
import socket
import struct
from collections.abc import Mapping
from typing import BinaryIO

from tests.support.redshift_emulator.errors import RedshiftError

HOST = "127.0.0.1"
PROTOCOL = 196608  # 3.0
Message = tuple[bytes, bytes]  # type and body
Fields = dict[str, str]  # of an error or a notice, by their one-letter codes


def c_string(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def startup_packet(body: bytes) -> bytes:
    return struct.pack("!i", len(body) + 4) + body


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    """Return the next `size` bytes. Raises ConnectionError if the stream ends before that."""
    data = stream.read(size)
    if len(data) != size:
        raise ConnectionError("peer closed the connection")
    return data


def read_message(stream: BinaryIO) -> Message:
    head = read_exactly(stream, 5)
    return head[:1], read_exactly(stream, struct.unpack("!i", head[1:])[0] - 4)


def unpack_fields(body: bytes) -> Fields:
    return {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}


def pack_fields(fields: Mapping[str, str]) -> bytes:
    return b"".join(code.encode() + c_string(value) for code, value in fields.items()) + b"\0"


def unpack_row(body: bytes) -> list[str | None]:
    count, position = struct.unpack("!h", body[:2])[0], 2
    row: list[str | None] = []
    for _ in range(count):
        length = struct.unpack("!i", body[position : position + 4])[0]
        position += 4
        row.append(None if length < 0 else body[position : position + length].decode("utf-8", "replace"))
        position += max(length, 0)
    return row


class Backend:
    """A session of the PostgreSQL behind the emulator. `status` is the transaction status: I(dle), T or E (failed)."""

    def __init__(self, port: int, user: str, password: str, database: str, options: Mapping[str, str] | None = None):
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.cancel_key, self.status = b"", "I"
        parameters = {"user": user, "database": database, "client_encoding": "UTF8", **(options or {})}
        body = b"".join(c_string(name) + c_string(value) for name, value in parameters.items())
        self.socket.sendall(startup_packet(struct.pack("!i", PROTOCOL) + body + b"\0"))
        try:
            self._greet(password)
        except BaseException:
            self.close()
            raise

    def _greet(self, password: str) -> None:
        while True:
            kind, body = self.read()
            if kind == b"E":
                fields = unpack_fields(body)
                raise RedshiftError(fields.get("C", "XX000"), fields.get("M", "?"))
            if kind == b"R" and struct.unpack("!i", body[:4])[0] == 3:  # a password request
                self.send(b"p", c_string(password))
            elif kind == b"K":
                self.cancel_key = body
            elif kind == b"Z":
                return

    def send(self, kind: bytes, body: bytes = b"") -> None:
        self.socket.sendall(message(kind, body))

    def read(self) -> Message:
        return read_message(self.stream)

    def query(self, sql: str) -> tuple[list[list[str | None]], Fields | None]:
        """Run `sql` without relaying it to the client. Return its rows, and the error's fields or None."""
        self.send(b"Q", c_string(sql))
        rows: list[list[str | None]] = []
        error = None
        while True:
            kind, body = self.read()
            if kind == b"D":
                rows.append(unpack_row(body))
            elif kind == b"E":
                error = unpack_fields(body)
            elif kind == b"G":
                self.send(b"f", c_string("unexpected"))
            elif kind == b"Z":
                self.status = body.decode()
                return rows, error

    def finish(self) -> bytes | None:
        """Read until the session is ready. Return the body of an error in between, or None."""
        error = None
        while True:
            kind, body = self.read()
            if kind == b"E":
                error = body
            elif kind == b"Z":
                self.status = body.decode()
                return error

    def close(self) -> None:
        """Close the connection. PostgreSQL rolls back an open transaction."""
        hang_up(self.socket)


def hang_up(connection: socket.socket) -> None:
    """Close `connection` at once, even while another thread reads from it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
