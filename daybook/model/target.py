"""A table of the warehouse as a load needs it."""

from dataclasses import dataclass

from daybook.model.cursor import Cursor
from daybook.model.types import Column


@dataclass(frozen=True, slots=True)
class Target:
    """A table of the warehouse as a load needs it: `schema.table`, the columns that are written, its key and cursor.

    `deleted` is the column that flags rows which do not belong into it; None where there is no such thing.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    cursor: Cursor | None = None
    deleted: Column | None = None

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in the order in which they are staged."""
        return [column.name for column in self.columns]
