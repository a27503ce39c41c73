"""The table of the warehouse that a load writes."""

from dataclasses import dataclass

from daybook.model.cursor import Cursor
from daybook.model.types import Column


@dataclass(frozen=True, slots=True)
class Target:
    """The table that a load writes: its name (`schema.table`), the written columns, its key and its cursor.

    `deleted` is the column that flags deleted rows, which do not belong in the table. It is None if the load keeps
    deleted rows, or if the table has no such column.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    cursor: Cursor | None = None
    deleted: Column | None = None

    @property
    def column_names(self) -> list[str]:
        """Return the names of the columns, in the order in which they are staged."""
        return [column.name for column in self.columns]
