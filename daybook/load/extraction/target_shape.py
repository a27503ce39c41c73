"""The shape of the target table: the source's columns, or those that the table file declares."""

from collections.abc import Iterable
from dataclasses import replace

from daybook.definitions.table import Table
from daybook.errors import SourceError
from daybook.model.cursor import Cursor
from daybook.model.soft_deletes import flag_of
from daybook.model.target import Target
from daybook.model.types import Column, holds
from daybook.suggestions import did_you_mean


def target_of(table: Table, found: Iterable[Column]) -> Target:
    """Return the shape of the table in the warehouse: the source's columns, or those that the table file declares.

    `found` are the columns of the source, after masking.

    Raises:
        SourceError: the source lacks a column that the table file names, or a declared type would lose values.
    """
    source = {column.name: column for column in found}
    declared = table.declared_types
    declared = declared and {name: type for name, type in declared.items() if table.mask.get(name) != "drop"}
    for name in (*(declared or ()), *table.named):
        if name not in source:
            near = did_you_mean(name, source, "correct the table file")
            raise SourceError(f"{table.name}: the source has no column {name!r}; it has {', '.join(source)}{near}")
    columns = []
    for name, type in (declared or {name: column.type for name, column in source.items()}).items():
        if not holds(type, source[name].type):
            raise SourceError(
                f"{table.name}: columns: declares {name} as {type}, but it is {source[name].type} at the source, so "
                f"values would be lost. Declare {source[name].type}, or remove columns: to use the source's types"
            )
        columns.append(replace(source[name], type=type))
    cursor = None
    if table.cursor:
        # Instants are written in UTC, so a column without a time zone shows them in UTC.
        zone = "UTC" if source[table.cursor].type.kind == "timestamptz" else table.timezone
        cursor = Cursor(table.cursor, next(c.type for c in columns if c.name == table.cursor), zone, table.name)
        if (
            cursor.type.kind == "timestamptz"
            and source[table.cursor].type.kind != "timestamptz"
            and table.timezone != "UTC"
        ):
            raise SourceError(
                f"{table.name}: columns: declares {table.cursor} as timestamptz, but it has no time zone at the source "
                f"and is read in {table.timezone}. Declare it as timestamp, which keeps the source's values"
            )
    flag = flag_of(table, {column.name: column for column in columns})
    shortened = frozenset(name for name, policy in table.too_long.items() if policy != "fail")
    return Target(table.name, tuple(columns), table.key, cursor, flag, table.layouts, shortened)


def as_sent(found: Column, wanted: Column) -> Column:
    """Return the column with the type in which the source sends it. A binary column declared as text is sent as hex."""
    return replace(found, type=wanted.type) if found.type.kind == "bytes" else found
