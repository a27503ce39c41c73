"""Read the values of servers that speak PostgreSQL's protocol, without psycopg2's lossy conversions.

psycopg2 turns `infinity` into 9999-12-31, the time 24:00:00 into 00:00:00 and one month into 30 days. It fails for the
year 20210, and shows bytes as `<memory at …>`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg2
from psycopg2 import extensions

from daybook.model.distant_time import DistantTime

_Read = Callable[[str, Any], Any]

#: The types that psycopg2 converts exactly: boolean, bigint, smallint, integer, oid, numeric.
_EXACT = {16, 20, 21, 23, 26, 1700}


def read_exactly(connection: Any) -> None:
    """Make a connection of psycopg2 return values without loss.

    Booleans, numbers, dates, timestamps and times are Python's. A value that Python cannot represent, and a value of
    any other type (interval, json, array, range, …), is the server's text.
    """
    others = {*extensions.string_types, *connection.string_types} - _EXACT
    connection.string_types.update(dict.fromkeys(others, extensions.UNICODE))
    for caster in _CASTERS:
        extensions.register_type(caster, connection)


def _float(text: str, cursor: Any) -> float | Decimal:
    """Return a float. One that is not finite is a Decimal, whose text is the server's: NaN, Infinity, -Infinity."""
    return Decimal(text) if text[-1] in "Ny" else float(text)


def _bytes(text: str, cursor: Any) -> str:
    """Return bytes as hex, whatever the `bytea_output` of the role is."""
    return "\\x" + bytes(psycopg2.BINARY(text, cursor)).hex()


def _within(cast: _Read) -> _Read:
    """Return a function that reads dates or timestamps in ISO format with `cast`, if Python can represent them."""
    return lambda text, cursor: DistantTime(text) if text[4] != "-" or text[-1] == "C" else cast(text, cursor)


def _time(text: str, cursor: Any) -> Any:
    return text if text.startswith("24") else extensions.PYTIME(text, cursor)


def _caster(name: str, oids: tuple[int, ...], read: _Read) -> Any:
    def cast(text: Any, cursor: Any) -> Any:
        return None if text is None else read(text, cursor)

    return extensions.new_type(oids, name, cast)


_CASTERS = (
    _caster("FLOAT", (700, 701), _float),
    _caster("BYTES", (17,), _bytes),
    _caster("DATE", (1082,), _within(extensions.PYDATE)),
    _caster("TIMESTAMP", (1114,), _within(extensions.PYDATETIME)),
    _caster("TIMESTAMPTZ", (1184,), _within(extensions.PYDATETIMETZ)),
    _caster("TIME", (1083, 1266), _time),
)
