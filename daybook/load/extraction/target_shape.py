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
    """The table as the warehouse is to hold it: the source's columns, or those that the table file declares.

    `found` are the columns as they leave the source: behind their masks.

    Raises:
        SourceError: a column that the table file names is not there, or its declared type would lose values.
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
                f"{table.name}: columns declares {name} as {type}, and the source's {source[name].type} would not "
                f"arrive whole in it. Declare {source[name].type}, or leave {name} out to have it read off the source"
            )
        columns.append(replace(source[name], type=type))
    cursor = None
    if table.cursor:
        # an instant is written in UTC, so a column without a zone that takes it shows the UTC clock
        zone = "UTC" if source[table.cursor].type.kind == "timestamptz" else table.timezone
        cursor = Cursor(table.cursor, next(c.type for c in columns if c.name == table.cursor), zone)
        if (
            cursor.type.kind == "timestamptz"
            and source[table.cursor].type.kind != "timestamptz"
            and table.timezone != "UTC"
        ):
            raise SourceError(
                f"{table.name}: {table.cursor} has no zone at the source and is read in {table.timezone}: declare it "
                "as timestamp, which keeps what the source shows"
            )
    flag = flag_of(table, {column.name: column for column in columns})
    return Target(table.name, tuple(columns), table.key, cursor, flag)


def as_sent(found: Column, wanted: Column) -> Column:
    """The source's column; one of bytes that is declared as text is no binary value any more, but its hex digits."""
    return replace(found, type=wanted.type) if found.type.kind == "bytes" else found
