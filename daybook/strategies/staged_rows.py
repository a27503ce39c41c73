"""Staged rows on their way into a table, and the SQL that the strategies share.

The SQL is the part that PostgreSQL and Redshift share: no ON CONFLICT, no RETURNING, no MERGE, no alias of a target.

The strategies are below the other rooms, because a table file names one. The protocols here have what a strategy asks
of the warehouse, of its session and of the target.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from daybook.errors import RowCountMismatch


class Statements(Protocol):
    """A session: it runs statements in the transaction that holds the table's lock."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement and return the number of rows that it touched, or -1 if that is unknown."""
        ...

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Execute a query and return its one value."""
        ...


class Dialect(Protocol):
    """A warehouse: its SQL where it has its own."""

    def quote(self, *names: str) -> str:
        """Return names as one quoted, dotted identifier."""
        ...

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted identifier."""
        ...

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return a condition that is true if two rows differ in any bit; None if the warehouse cannot tell."""
        ...


class TargetCursor(Protocol):
    """The column that says to which interval a row belongs."""

    @property
    def column(self) -> str:
        """The column's name."""
        ...

    def within_sql(self, column: str, intervals: Iterable[Any]) -> tuple[str, list[Any]]:
        """Return the condition that the quoted `column` lies in one of the intervals, and the values to bind."""
        ...


class TargetTable(Protocol):
    """The table that is loaded."""

    @property
    def name(self) -> str:
        """`schema.table`."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key; none if the table has no key."""
        ...

    @property
    def cursor(self) -> TargetCursor | None:
        """The cursor, if the table has one."""
        ...

    @property
    def column_names(self) -> list[str]:
        """The columns that are written, in the order of the staged rows."""
        ...


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows in a staging table, and the table that a strategy brings them into."""

    session: Statements
    warehouse: Dialect
    target: TargetTable
    staged: str
    """The staging table, quoted. It holds each key once."""
    count: int
    """The number of staged rows."""
    intervals: Sequence[Any] = ()
    """The intervals that are loaded; none if it is the whole table."""
    moved_keys: str | None = None
    """A quoted table of the keys of rows that have moved on to intervals still to be loaded."""

    @property
    def table(self) -> str:
        """The table to change, quoted."""
        return self.warehouse.table(self.target.name)

    def intervals_sql(self) -> tuple[str, list[Any]]:
        """Return the condition that a row of the table lies in one of the intervals, and the values to bind."""
        cursor = self.target.cursor
        assert cursor is not None
        return cursor.within_sql(f"{self.table}.{self.warehouse.quote(cursor.column)}", self.intervals)

    def differs_sql(self) -> str | None:
        """Return the condition that a row differs in any bit from a staged one; None if the warehouse cannot tell."""
        names = [self.warehouse.quote(name) for name in self.target.column_names]
        return self.warehouse.differs_sql(
            [f"{self.table}.{name}" for name in names], [f"{self.staged}.{name}" for name in names]
        )

    def insert_missing(self) -> None:
        """Insert the staged rows whose key the table does not have."""
        names = [self.warehouse.quote(name) for name in self.target.column_names]
        same_key = same_key_sql(self.warehouse, self.target, self.table, self.staged)
        self.session.run(
            f"INSERT INTO {self.table} ({', '.join(names)}) "
            f"SELECT {', '.join(f'{self.staged}.{name}' for name in names)} "
            f"FROM {self.staged} LEFT JOIN {self.table} ON {same_key} "
            f"WHERE {self.table}.{self.warehouse.quote(self.target.key[0])} IS NULL"
        )

    def replace_within(self, scope: str, bounds: Sequence[Any] = ()) -> None:
        """Make the staged rows the only rows within `scope`, and the only rows with their keys.

        `scope` is a condition with the values `bounds`. A scope without values is the whole table.

        If the warehouse can compare rows exactly, rows that are equal already are not rewritten: a repeated load
        writes nothing. The count afterwards proves it. It fails if the table holds a row twice; then all rows are
        exchanged.

        Raises:
            RowCountMismatch: another number of rows landed than was staged.
        """
        session, table, staged, target = self.session, self.table, self.staged, self.target
        same_key, differs = same_key_sql(self.warehouse, target, table, staged), self.differs_sql()
        if target.key and differs:
            session.run(
                f"DELETE FROM {table} WHERE {scope} AND NOT EXISTS "
                f"(SELECT 1 FROM {staged} WHERE {same_key} AND NOT ({differs}))",
                bounds,
            )
            if bounds:
                session.run(f"DELETE FROM {table} USING {staged} WHERE {same_key} AND {differs}")
            self.insert_missing()
            if session.one(f"SELECT count(*) FROM {table} WHERE {scope}", bounds) == self.count:
                return
        session.run(f"DELETE FROM {table} WHERE {scope}", bounds)
        if target.key and bounds:
            session.run(f"DELETE FROM {table} USING {staged} WHERE {same_key}")
        names = ", ".join(self.warehouse.quote(name) for name in target.column_names)
        landed = session.run(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staged}")
        if landed not in (-1, self.count):
            raise RowCountMismatch(
                f"{target.name}: {self.count} rows were staged, and {landed} landed; nothing was changed"
            )


def same_key_sql(warehouse: Dialect, target: TargetTable, table: str, other: str) -> str:
    """Return the condition that a row of `table` and one of `other` (both quoted) have the same key."""
    names = [warehouse.quote(name) for name in target.key]
    return " AND ".join(f"{table}.{name} = {other}.{name}" for name in names)


def without_keys_sql(warehouse: Dialect, target: TargetTable, table: str, keys: str) -> str:
    """Return the condition that a row of `table` has none of the keys in the table `keys` (both quoted)."""
    return f"NOT EXISTS (SELECT 1 FROM {keys} WHERE {same_key_sql(warehouse, target, keys, table)})"


def not_newer_sql(warehouse: Dialect, target: TargetTable, staged: str) -> str:
    """Return the condition that a row of the target has the key of one in `staged` (quoted), and is not newer."""
    table = warehouse.table(target.name)
    condition = same_key_sql(warehouse, target, table, staged)
    if target.cursor:
        column = warehouse.quote(target.cursor.column)
        condition += f" AND ({table}.{column} IS NULL OR {staged}.{column} >= {table}.{column})"
    return condition
