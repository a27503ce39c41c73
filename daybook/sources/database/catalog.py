"""Facts from the catalog about a table, except its columns, for warnings and for `daybook describe`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Index:
    """An index, with its columns in order. An expression is None. No query uses one that is `hidden`."""

    columns: tuple[str | None, ...]
    primary: bool = False
    unique: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one table or view."""

    view: bool
    indexes: tuple[Index, ...]

    def is_leading(self, column: str) -> bool:
        """Return True if an index starts with the column, so that it can find a range of values. Case is ignored."""
        usable = [index.columns[0] or "" for index in self.indexes if not index.hidden]
        return any(first.lower() == column.lower() for first in usable)

    def key(self, required: Sequence[str]) -> tuple[str, ...]:
        """Return the primary key, or the shortest unique index of `required` (NOT NULL) columns, or ()."""
        for index in self.indexes:
            if index.primary:
                return tuple(str(name) for name in index.columns)
        unique = [index.columns for index in self.indexes if index.unique and set(index.columns) <= set(required)]
        return tuple(str(name) for name in min(unique, key=lambda columns: (len(columns), columns), default=()))


@runtime_checkable
class Describing(Protocol):
    """An open table that can be described."""

    def facts(self) -> Facts:
        """Return the catalog's facts about the table."""
        ...

    def first(self, column: str) -> date | datetime | None:
        """Return the smallest value of a column of dates or times, or None if it has none. An instant is in UTC."""
        ...


def index_rows(rows: Sequence[tuple[Any, ...]]) -> tuple[Index, ...]:
    """Return the indexes from rows of (index, primary, unique, hidden, column). An index has its columns in order."""
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return tuple(Index(tuple(row[4] for row in same), *map(bool, same[0][1:4])) for same in found.values())
