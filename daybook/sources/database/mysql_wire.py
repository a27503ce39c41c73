"""Read rows of MySQL's wire protocol as bytes, from a result of one text column.

PyMySQL creates a Python tuple for every row, which takes ten times as long as moving its bytes. Instead, this module
reads the packets of a running, unbuffered query from PyMySQL's own buffered socket. A row of one column is a four-byte
header and a length-encoded string ("Text Resultset Row" in MySQL's client/server protocol). The module uses PyMySQL's
private `_rfile` and `_result`, so requirements.txt pins the tested version.
"""

import struct
from collections.abc import Iterator
from typing import Any

from pymysql import err
from pymysql.constants import CR
from pymysql.protocol import MysqlPacket

from daybook.stage.csv_format import Chunk

_READ = 1 << 18
_MAX_PACKET = 0xFFFFFF  # bytes: a packet of this length continues in the next one
_NULL, _TWO, _THREE, _EIGHT, _ERROR = 0xFB, 0xFC, 0xFD, 0xFE, 0xFF
_header = struct.Struct("<I").unpack_from


class RowIsNull(Exception):
    """The server returned NULL for a line: the row is longer than its max_allowed_packet."""


def lines(connection: Any) -> Iterator[Chunk]:
    """Yield the rows of the unbuffered one-column query that `connection` has just executed, each with a newline.

    Raises:
        RowIsNull: the server returned NULL for a row.
        pymysql.err.MySQLError: the server aborted the query with an error, or the connection was lost.
    """
    # From here on, PyMySQL does not read this result. It would do so when the cursor or the result is deleted, even if
    # the connection is closed, and print an exception that it ignores.
    connection._result.unbuffered_active = False
    connection._result.connection = None
    try:
        yield from _chunks(connection)
    except BaseException:
        connection._force_close()  # the rest of the result is not read
        raise


def _chunks(connection: Any) -> Iterator[Chunk]:
    buffer = b""
    while True:
        data = _read(connection, _READ)
        buffer = buffer + data if buffer else data
        rows, position, ended = _split(buffer, connection)
        buffer = buffer[position:]
        if rows:
            rows.append(b"")
            yield Chunk(b"\n".join(rows), len(rows) - 1)
        if ended:
            return
        if len(buffer) >= 4 and _header(buffer)[0] & _MAX_PACKET > _READ:
            buffer = _fill(buffer, connection)


def _split(buffer: bytes, connection: Any) -> tuple[list[bytes], int, bool]:
    """Return the complete rows at the start of `buffer`, the position of the rest, and whether the result has ended."""
    rows: list[bytes] = []
    add, position, end = rows.append, 0, len(buffer)
    while position + 5 <= end:
        length = _header(buffer, position)[0] & _MAX_PACKET
        after = position + 4 + length
        if after > end:
            break
        first = buffer[position + 4]
        if first < _NULL:
            add(buffer[position + 5 : after])
        elif first == _TWO:
            add(buffer[position + 7 : after])
        elif first == _THREE and length < _MAX_PACKET:
            add(buffer[position + 8 : after])
        elif first == _EIGHT and length < 9:
            return rows, after, True
        elif first == _NULL:
            raise RowIsNull
        elif first == _ERROR:
            MysqlPacket(buffer[position + 4 : after], connection.encoding).raise_for_error()
        else:
            payload, after = _long_payload(buffer, position)
            if payload is None:
                break
            add(payload[9 if payload[0] == _EIGHT else 4 :])
        position = after
    return rows, position, False


def _long_payload(buffer: bytes, position: int) -> tuple[bytes | None, int]:
    """Return the payload of a row that spans packets, and the position of its end. None: it is not complete yet."""
    payload = []
    while position + 4 <= len(buffer):
        length = _header(buffer, position)[0] & _MAX_PACKET
        position += 4
        if position + length > len(buffer):
            break
        payload.append(buffer[position : position + length])
        position += length
        if length < _MAX_PACKET:
            return b"".join(payload), position
    return None, position


def _fill(buffer: bytes, connection: Any) -> bytes:
    """Return `buffer` with all of the long packet at its start. One join keeps a row of 1 GB linear in time."""
    pieces, have, wanted = [buffer], len(buffer), 4 + (_header(buffer)[0] & _MAX_PACKET)
    while have < wanted:
        pieces.append(_read(connection, min(1 << 22, wanted - have)))
        have += len(pieces[-1])
    return b"".join(pieces)


def _read(connection: Any, most: int) -> bytes:
    """Return at least one byte. Raise PyMySQL's error if the connection was closed, was reset or timed out."""
    reason = ""
    try:
        data: bytes = connection._rfile.read1(most)
        if data:
            return data
    except OSError as error:
        reason = f" ({error})"
    raise err.OperationalError(CR.CR_SERVER_LOST, f"Lost connection to MySQL server during query{reason}")
