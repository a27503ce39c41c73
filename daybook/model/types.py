"""Columns and their types, in words that every source and every warehouse understands.

A source describes its columns with these types, a table file may declare them, and a warehouse renders them. The set is
small on purpose: a type is here when some warehouse keeps it apart from the others.
"""

import re
from dataclasses import dataclass
from typing import Literal

#: Names that people type, and the kind that each one means.
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
    "bpchar": "text",  # without a length, as the catalogue spells it: blanks at its end are kept
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
#: Kinds whose values may hold a comma, a quote or a newline, and so are quoted in the staged CSV.
_QUOTED = frozenset({"text", "varchar", "char", "interval", "bytes", "json", "jsonb", "uuid", "native"})
INTEGERS = frozenset({"smallint", "integer", "bigint"})
#: Kinds whose size is the digits of a second's fraction: what is longer is rounded in silence.
TIMES = frozenset({"time", "timetz", "timestamp", "timestamptz", "interval"})
KINDS = _QUOTED | INTEGERS | TIMES | {"boolean", "decimal", "real", "double", "date"}

_TYPE = re.compile(
    r"^\s*([a-z][a-z0-9 ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*((?:with|without) time zone)?\s*$"
)


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column.

    `size` is the length in characters of `varchar` and `char` (None: unbounded), the digits of `decimal`, or those of a
    second's fraction in a time (None: six); `scale` the digits of a `decimal` after the point. `native` is a PostgreSQL
    type that has no name here (`inet`, `text[]`), kept as it is by a PostgreSQL warehouse and as text by every other.
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
        """Whether a value stands in quotes in the staged CSV."""
        return self.kind in _QUOTED


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name as the source spells it, its type, and whether it may be NULL.

    `mask` is what the source makes of each value before it hands it out (`daybook.model.masks`): its hash, or NULL.
    """

    name: str
    type: Type
    nullable: bool = True
    mask: Literal["hash", "null"] | None = None


def parse_type(text: str) -> Type:
    """The type that `text` names, as PostgreSQL, Redshift or a table file spells it.

    Raises:
        ValueError: no such type; the message lists those that there are.
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
    raise ValueError(f"no type is called {text!r}; there are {', '.join(sorted(KINDS - {'native'}))}")


def holds(actual: Type, wanted: Type) -> bool:
    """Whether a column of type `actual` keeps every value of type `wanted` without changing it in silence.

    What a warehouse refuses loudly (a number out of range, a text too long) still counts as kept, where the two types
    are of one kind: such a load fails and says why. This is about the losses that nobody would be told of: digits cut
    from a decimal, a double squeezed into a real, a time of day dropped from a timestamp, an offset ignored.
    """
    if actual == wanted or actual.kind in ("native", "text", "varchar", "char"):
        return True
    if wanted.kind in INTEGERS:
        return (
            actual.kind in INTEGERS or (actual.kind == "decimal") or (actual.kind, wanted.kind) == ("double", "integer")
        )
    if wanted.kind in TIMES and fraction_digits(actual) < fraction_digits(wanted):
        return False
    if wanted.kind == "decimal":
        if actual.kind in INTEGERS:
            return wanted.scale == 0  # an unsigned BIGINT, for one: what is out of range is refused
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
            # an instant is written in UTC; a column without a zone keeps the UTC wall clock
            "timestamptz": {"timestamptz", "timestamp"},
            "interval": {"interval"},
            "bytes": {"bytes"},
            "json": {"json", "jsonb"},
            "jsonb": {"jsonb", "json"},
            "uuid": {"uuid"},
            # a text may be declared as anything that the warehouse parses, and refuses when it cannot
            "text": KINDS,
            "varchar": KINDS,
            "char": KINDS,
        }[wanted.kind]
    )


def fraction_digits(time: Type) -> int:
    """How many digits of a second's fraction a type of time holds."""
    return 6 if time.size is None else time.size
