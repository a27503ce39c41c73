"""Soft deletes: SQL conditions for rows that a flag marks as deleted (`deleted:`), the same in every database."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from daybook.errors import SourceError
from daybook.model.types import INTEGERS, Column, Type

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

_NUMBERS = INTEGERS | {"decimal", "real", "double"}
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})


def flag_of(table: "TableSpec", columns: Mapping[str, Column]) -> Column | None:
    """Return the column that flags deleted rows, or None if the table file does not set `on_delete: apply`.

    Raises:
        SourceError: the column is not among `columns`, or its type cannot flag a row.
    """
    if table.deleted is None:
        return None
    column = columns.get(table.deleted)
    if column is None:
        raise SourceError(
            f"{table.name}: deleted: the source has no column {table.deleted!r}. Correct the name, or remove deleted"
        )
    if not flags(column.type):
        raise SourceError(
            f"{table.name}: deleted: {column.name} is {column.type}, but only a boolean, a number, a date or a time "
            "can flag a row. Set deleted: to such a column, or remove it"
        )
    return column if table.on_delete == "apply" else None


def flags(type: Type) -> bool:
    """Return True if a column of this type can flag a row as deleted."""
    return type.kind in {"boolean"} | _NUMBERS | _MOMENTS


def flagged_sql(column: str, type: Type) -> str:
    """Return an SQL condition for deleted rows. It is true or false, never NULL. `column` is quoted."""
    if type.kind in _MOMENTS:
        return f"({column} IS NOT NULL)"
    return f"COALESCE({column}, FALSE)" if type.kind == "boolean" else f"COALESCE({column} <> 0, FALSE)"


def live_sql(
    table: "TableSpec",
    columns: Mapping[str, Column],
    name: str,
    quote: Callable[[str], str],
    as_sent: Callable[[str], str] | None = None,
) -> str:
    """Return the FROM item for the rows of `name` (quoted) that a load writes to the warehouse.

    It selects `columns` by name, because `*` leaves out the invisible columns of MySQL and MariaDB.

    Args:
        table: the table file.
        columns: all columns of `name`.
        name: the quoted table.
        quote: quotes the name of a column.
        as_sent: returns the SQL of a date or time as a load sends it, for its quoted column.
    """
    flag = flag_of(table, columns)
    if flag is None:
        return name
    value = quote(flag.name)
    if as_sent and flag.type.kind in _MOMENTS:
        value = as_sent(value)
    selected = ", ".join(map(quote, columns))
    return f"(SELECT {selected} FROM {name} WHERE NOT {flagged_sql(value, flag.type)}) AS live"
