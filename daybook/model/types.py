"""Columns and their types, which every source and every warehouse understands.

A source describes its columns with these types, a table file may declare them, and a warehouse renders them. The set is
small on purpose: it only has types that some warehouse distinguishes.
"""

import re
from dataclasses import dataclass
from typing import Literal

#: Other names of types, and the kind of each.
ALIASES = {
    "bool": "boolean",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "numeric": "decimal",
    "float": "double",
    "float4": "real",
    "float8": "double",
    "double precision": "double",
    "string": "text",
    "character varying": "varchar",
    "character": "char",
    "bpchar": "text",  # without a length, as the catalog writes it: it keeps trailing blanks
    "datetime": "timestamp",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "bytea": "bytes",
    "varbyte": "bytes",
    "binary varying": "bytes",
    "super": "jsonb",
}
#: Kinds whose values may contain a comma, a quote or a newline, and so are quoted in the staged CSV.
_QUOTED = frozenset({"text", "varchar", "char", "interval", "bytes", "json", "jsonb", "uuid", "native"})
INTEGERS = frozenset({"smallint", "integer", "bigint"})
#: Kinds whose size is the number of fractional digits of a second. Databases silently round longer fractions.
TIMES = frozenset({"time", "timetz", "timestamp", "timestamptz", "interval"})
KINDS = _QUOTED | INTEGERS | TIMES | {"boolean", "decimal", "real", "double", "date"}

_TYPE = re.compile(
    r"^\s*([a-z][a-z0-9 ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*((?:with|without) time zone)?\s*$"
)


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column.

    Attributes:
        kind: the name of the type, without its size.
        size: the length in characters of `varchar` and `char` (None: unbounded), the digits of a `decimal`, or the
            fractional digits of a second in a time (None: six).
        scale: the digits of a `decimal` after the point.
        native: a PostgreSQL type without a name here (`inet`, `text[]`). A PostgreSQL warehouse keeps it as it is,
            every other warehouse as text.
    """

    kind: str
    size: int | None = None
    scale: int | None = None
    native: str | None = None

    def __str__(self) -> str:
        if self.native:
            return self.native
        sizes = ", ".join(str(number) for number in (self.size, self.scale) if number is not None)
        return f"{self.kind}({sizes})" if sizes else self.kind

    @property
    def quoted(self) -> bool:
        """Return True if values are quoted in the staged CSV."""
        return self.kind in _QUOTED


#: The type of a column that has only ever been NULL, in a file that gives it no other type. No table has such a column.
NO_TYPE = Type("null")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the source, its type, and whether it may be NULL.

    With a `mask`, the source sends the hash of each value, or NULL, instead of the value (`daybook.model.masks`).
    A column is `empty` if every value is NULL in the file that describes it. Then its type is only a guess.
    """

    name: str
    type: Type
    nullable: bool = True
    mask: Literal["hash", "null"] | None = None
    empty: bool = False


def parse_type(text: str) -> Type:
    """Parse the name of a type, as PostgreSQL, Redshift or a table file spells it.

    Raises:
        ValueError: the type is unknown; the message lists all types.
    """
    match = _TYPE.match(text.lower())
    if match:
        name, size, scale, zone = match.groups()
        name = f"{name} {zone}" if zone else name
        kind = ALIASES.get(name, name)
        if kind in KINDS - {"native"}:
            if kind == "decimal" and size and scale is None:
                scale = "0"
            keeps_size = kind in ("decimal", "varchar", "char") or kind in TIMES
            if kind == "char" and size is None:
                size = "1"
            return Type(kind, int(size) if size and keeps_size else None, int(scale) if scale and keeps_size else None)
    raise ValueError(f"unknown type {text!r}; expected one of {', '.join(sorted(KINDS - {'native'}))}")


def holds(actual: Type, wanted: Type) -> bool:
    """Return True if a column of type `actual` stores every value of type `wanted` unchanged, or fails the load.

    This prevents silent losses: digits cut from a decimal, a double rounded to a real, a time of day dropped from a
    timestamp, an ignored offset. If two types are of one kind, a value that does not fit (a number out of range, a text
    that is too long) is not a silent loss: the warehouse refuses it, and the load fails with the reason.
    """
    if actual == wanted or wanted == NO_TYPE or actual.kind in ("native", "text", "varchar", "char"):
        return True
    if wanted.kind in INTEGERS:
        return (
            actual.kind in INTEGERS or (actual.kind == "decimal") or (actual.kind, wanted.kind) == ("double", "integer")
        )
    if wanted.kind in TIMES and fraction_digits(actual) < fraction_digits(wanted):
        return False
    if wanted.kind == "decimal":
        if actual.kind in INTEGERS:
            return wanted.scale == 0  # such as an unsigned BIGINT: the warehouse refuses values out of range
        return actual.kind == "decimal" and (
            actual.size is None or (wanted.scale is not None and (actual.scale or 0) >= wanted.scale)
        )
    if wanted.kind == "native":
        return False
    return (
        actual.kind
        in {
            "boolean": {"boolean"},
            "real": {"real", "double"},
            "double": {"double"},
            "date": {"date", "timestamp"},
            "time": {"time", "interval"},
            "timetz": {"timetz"},
            "timestamp": {"timestamp"},
            # an instant is written in UTC, and a column without a zone keeps that UTC time
            "timestamptz": {"timestamptz", "timestamp"},
            "interval": {"interval"},
            "bytes": {"bytes"},
            "json": {"json", "jsonb"},
            "jsonb": {"jsonb", "json"},
            "uuid": {"uuid"},
            # text may be declared as any type: the warehouse parses it, and refuses what it cannot parse
            "text": KINDS,
            "varchar": KINDS,
            "char": KINDS,
        }[wanted.kind]
    )


def exchanges_integers(one: Type, other: Type) -> bool:
    """Return True if one of the types is a double, and the other one an integer: both hold integers up to 2**53."""
    return (one.kind == "double" and other.kind in INTEGERS) or (other.kind == "double" and one.kind in INTEGERS)


def fraction_digits(time: Type) -> int:
    """Return the number of fractional digits of a second that a type of time holds."""
    return 6 if time.size is None else time.size
