"""The table of the warehouse that a load writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from daybook.model.cursor import Cursor
from daybook.model.types import Column


@dataclass(frozen=True, slots=True)
class Target:
    """The table that a load writes: its name (`schema.table`), the written columns, its key and its cursor.

    `deleted` is the column that flags deleted rows, which do not belong in the table. It is None if the load keeps
    deleted rows, or if the table has no such column. `layouts` says where a warehouse keeps the rows: the fields of the
    table's file by the dialect of the warehouse that declares them. `shortened` are the columns whose values a load may
    shorten, or replace by NULL, if they are too long.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    cursor: Cursor | None = None
    deleted: Column | None = None
    layouts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    shortened: frozenset[str] = frozenset()

    @property
    def column_names(self) -> list[str]:
        """Return the names of the columns, in the order in which they are staged."""
        return [column.name for column in self.columns]
