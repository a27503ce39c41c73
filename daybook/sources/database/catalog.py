"""The catalogue's facts about a table other than its columns: for its warnings, and for `daybook describe`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Index:
    """The columns of an index in order; an expression is None."""

    columns: tuple[str | None, ...]
    primary: bool = False
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about one table or view."""

    view: bool
    indexes: tuple[Index, ...]

    def is_leading(self, column: str) -> bool:
        """Return True if an index begins with the column, in any case, so that it finds a range of its values."""
        return any((index.columns[0] or "").lower() == column.lower() for index in self.indexes)

    def key(self, required: Sequence[str]) -> tuple[str, ...]:
        """Return the primary key; else the shortest unique index of `required` columns (never NULL); else nothing."""
        for index in self.indexes:
            if index.primary:
                return tuple(str(name) for name in index.columns)
        unique = [index.columns for index in self.indexes if index.unique and set(index.columns) <= set(required)]
        return tuple(str(name) for name in min(unique, key=lambda columns: (len(columns), columns), default=()))


@runtime_checkable
class Describing(Protocol):
    """An opened table that can be described."""

    def facts(self) -> Facts:
        """Return what the catalogue says about it."""
        ...

    def first(self, column: str) -> date | datetime | None:
        """Return the smallest value of a column of dates or times; None if it has none. An instant is in UTC."""
        ...


def index_rows(rows: Sequence[tuple[Any, ...]]) -> tuple[Index, ...]:
    """Return the indexes that rows of (index, primary, unique, column) list, the columns of an index in order."""
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return tuple(Index(tuple(row[3] for row in same), bool(same[0][1]), bool(same[0][2])) for same in found.values())
