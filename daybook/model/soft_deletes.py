"""Rows that are deleted at the source by a flag (`deleted:`): how SQL knows them, the same in every database."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from daybook.errors import SourceError
from daybook.model.types import INTEGERS, Column, Type

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

_NUMBERS = INTEGERS | {"decimal", "real", "double"}
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})


def flag_of(table: "TableSpec", columns: Mapping[str, Column]) -> Column | None:
    """The column that flags a row whose deletion is to be applied; None where the table file asks for no such thing.

    Raises:
        SourceError: the table file names a column that is not among `columns`, or one that flags nothing.
    """
    if table.deleted is None:
        return None
    column = columns.get(table.deleted)
    if column is None:
        raise SourceError(f"{table.name}: the source has no column {table.deleted!r}, which deleted: names")
    if not flags(column.type):
        raise SourceError(
            f"{table.name}: deleted: {column.name} is {column.type}, and a row is flagged by a boolean, a number, a "
            "date or a time. Name such a column, or leave deleted out"
        )
    return column if table.on_delete == "apply" else None


def flags(type: Type) -> bool:
    """Whether a column of this type can say that a row is deleted."""
    return type.kind in {"boolean"} | _NUMBERS | _MOMENTS


def flagged_sql(column: str, type: Type) -> str:
    """The condition that a row is deleted, which is true or false and never NULL. `column` is quoted."""
    if type.kind in _MOMENTS:
        return f"({column} IS NOT NULL)"
    return f"COALESCE({column}, FALSE)" if type.kind == "boolean" else f"COALESCE({column} <> 0, FALSE)"


def live_sql(table: "TableSpec", columns: Mapping[str, Column], name: str, quote: Callable[[str], str]) -> str:
    """What stands behind FROM for the rows of `name` (quoted) that a load puts into the warehouse."""
    flag = flag_of(table, columns)
    return f"(SELECT * FROM {name} WHERE NOT {flagged_sql(quote(flag.name), flag.type)}) AS live" if flag else name
