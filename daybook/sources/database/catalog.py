"""Facts from the catalog about tables, for warnings and for `daybook describe`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable

from daybook.model.types import Column


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


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table or view in the list of a database's tables. `rows` is the catalog's estimate; None if it has none.

    It is not `readable` if the catalog says that the user may not read it.
    """

    schema: str
    name: str
    view: bool = False
    rows: int | None = None
    comment: str = ""
    readable: bool = True

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """The catalog's facts about a table.

    Attributes:
        listed: its entry in the list of tables.
        columns: its columns, in order.
        facts: its indexes.
        updated_by: what sets a column in each update of a row, by the column: `ON UPDATE CURRENT_TIMESTAMP`.
    """

    listed: ListedTable
    columns: tuple[Column, ...]
    facts: Facts
    updated_by: Mapping[str, str]


def catalog_tables(
    tables: Sequence[ListedTable],
    columns: Mapping[tuple[str, str], Sequence[Column]],
    indexes: Mapping[tuple[str, str], Sequence[tuple[Any, ...]]],
    updated_by: Mapping[tuple[str, str], Mapping[str, str]],
) -> list[CatalogTable]:
    """Return the facts about `tables`, in their order.

    Args:
        tables: the tables.
        columns: their columns, by schema and name. A table may be missing, here and below.
        indexes: the rows of their indexes, as `index_rows` takes them.
        updated_by: what sets a column in each update, as `CatalogTable` has it.
    """
    found = []
    for table in tables:
        place = table.schema, table.name
        facts = Facts(table.view, index_rows(indexes.get(place, ())))
        found.append(CatalogTable(table, tuple(columns.get(place, ())), facts, updated_by.get(place, {})))
    return found


def ends_by_key(
    query: Callable[[str], list[tuple[Any, ...]]], select: str, key: Sequence[str], rows: int
) -> list[tuple[Any, ...]]:
    """Return the first and the last rows of a SELECT by its key, in the key's order; all of them if there are few.

    Args:
        query: runs a statement and returns its rows.
        select: the SELECT, without ORDER BY.
        key: the quoted columns of the key.
        rows: how many rows to return of each end.
    """
    first = query(f"{select} ORDER BY {', '.join(key)} LIMIT {2 * rows}")
    if len(first) < 2 * rows:  # the whole table
        return first
    last = query(f"{select} ORDER BY {', '.join(f'{name} DESC' for name in key)} LIMIT {rows}")
    return [*first[:rows], *reversed(last)]


def filtered(table: str, where: str | None, dialect: str) -> str:
    """Return the FROM item with the rows of the quoted `table` that meet the condition `where`, as a load reads them.

    Raises:
        ValueError: it is not one condition in the SQL of `dialect`, a name of sqlglot.
    """
    if where is None:
        return table
    from daybook.sources.database.filters.fragment_parser import parse_where  # imports sqlglot, which is slow

    return f"(SELECT * FROM {table} WHERE ({parse_where(where, dialect).sql('', '')}\n)) AS filtered"


class Catalog(Protocol):
    """The catalog of a database, on one connection. It has one query for each kind of fact, not one for each table."""

    def tables(self) -> list[ListedTable]:
        """Return every table and view that the user may see, except those of the database itself."""
        ...

    def describe(self, tables: Sequence[ListedTable]) -> list[CatalogTable]:
        """Return the facts about these tables, in the same order."""
        ...

    def quoted(self, table: ListedTable) -> str:
        """Return the name of a table for a statement. A `%` in it is doubled."""
        ...

    def sample(
        self, table: ListedTable, key: Sequence[str], columns: Sequence[str], rows: int
    ) -> list[tuple[Any, ...]]:
        """Return these columns of the first and of the last rows of a table by its key, in the key's order.

        Raises:
            DatabaseError: the database failed, or needed more than a few seconds.
        """
        ...

    def first(self, table: ListedTable, column: str, where: str | None = None) -> date | datetime | None:
        """Return the smallest value of a column of dates or times, or None if it has none. An instant is in UTC.

        `where` is the condition of the rows to read. None: all.

        Raises:
            ValueError: `where` is not one condition in the database's SQL.
            DatabaseError: the database failed, or needed more than a few seconds.
        """
        ...
