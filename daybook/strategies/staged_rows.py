"""The staged rows that a strategy moves into a table, and the SQL that the strategies share.

It uses only SQL that PostgreSQL and Redshift share: no ON CONFLICT, no RETURNING, no MERGE, no alias of a target.

Table files name strategies, so this package is below most others and cannot import them. The protocols here declare
what a strategy needs of the warehouse, of its session and of the target.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from daybook.errors import RowCountMismatch

#: The least and the greatest value of some columns of staged rows, as SQL literals. A join with conditions on them
#: returns the same rows, and the warehouse can skip the blocks of the table that have other values.
Ranges = Mapping[str, tuple[str, str]]


#: The columns of `StagedRows.changed_keys` after the key. True if the table has a row with the key, which must go, and
#: if there is a staged row with it, which must come.
STALE, FRESH = "daybook_stale", "daybook_fresh"


class Statements(Protocol):
    """A session that runs statements in the transaction that holds the table's lock."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement and return the number of rows that it touched, or -1 if that is unknown."""
        ...

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Execute a query and return its one value."""
        ...


class Dialect(Protocol):
    """The SQL that differs between warehouses."""

    def quote(self, *names: str) -> str:
        """Return names as one quoted, dotted identifier."""
        ...

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted identifier."""
        ...

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return a condition that is true if two rows differ in any bit, or None if there is no exact comparison."""
        ...


class TargetCursor(Protocol):
    """The column that decides to which interval a row belongs."""

    @property
    def column(self) -> str:
        """The column's name."""
        ...

    def within_sql(self, column: str, intervals: Iterable[Any]) -> tuple[str, list[Any]]:
        """Return the condition that the quoted `column` is in one of the intervals, and its bind values."""
        ...


class TargetTable(Protocol):
    """The table to load."""

    @property
    def name(self) -> str:
        """The name of the table, `schema.table`."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the key; empty if the table has no key."""
        ...

    @property
    def cursor(self) -> TargetCursor | None:
        """The cursor, or None if the table has none."""
        ...

    @property
    def column_names(self) -> list[str]:
        """The columns to write, in the order of the staged rows."""
        ...


@dataclass(frozen=True, slots=True)
class StagedRows:
    """Rows in a staging table, and the table that a strategy moves them into."""

    session: Statements
    warehouse: Dialect
    target: TargetTable
    staged: str
    """The staging table, quoted. It holds each key once."""
    count: int
    """The number of staged rows."""
    intervals: Sequence[Any] = ()
    """The intervals to load; empty for the whole table."""
    moved_keys: str | None = None
    """A quoted table with the keys of rows that have moved to intervals that are not loaded yet."""
    ranges: Ranges = field(default_factory=dict)
    """The ranges of the key's columns and of the cursor. A column is in it only if no staged row has NULL there."""
    changed_keys: str | None = None
    """A quoted table with the keys of all rows that the table and the staged rows do not have alike, if it is known."""

    @property
    def table(self) -> str:
        """The table to change, quoted."""
        return self.warehouse.table(self.target.name)

    def intervals_sql(self) -> tuple[str, list[Any]]:
        """Return the condition that a row of the table is in one of the intervals, and its bind values."""
        cursor = self.target.cursor
        assert cursor is not None
        return cursor.within_sql(f"{self.table}.{self.warehouse.quote(cursor.column)}", self.intervals)

    def differs_sql(self) -> str | None:
        """Return the condition that a row differs in any bit from a staged one, or None without exact comparison."""
        names = [self.warehouse.quote(name) for name in self.target.column_names]
        return self.warehouse.differs_sql(
            [f"{self.table}.{name}" for name in names], [f"{self.staged}.{name}" for name in names]
        )

    def _exchange(self, keys: str) -> None:
        """Replace the table's rows with these keys (a quoted table) by the staged ones."""
        names = [self.warehouse.quote(name) for name in self.target.column_names]
        stale = same_key_sql(self.warehouse, self.target, self.table, keys)
        fresh = same_key_sql(self.warehouse, self.target, self.staged, keys)
        self.session.run(f"DELETE FROM {self.table} USING {keys} WHERE {stale} AND {STALE}")
        self.session.run(
            f"INSERT INTO {self.table} ({', '.join(names)}) "
            f"SELECT {', '.join(f'{self.staged}.{name}' for name in names)} "
            f"FROM {self.staged} JOIN {keys} ON {fresh} WHERE {FRESH}"
        )

    def insert_missing(self, *, newer_only: bool = False) -> None:
        """Insert the staged rows whose key the table does not have.

        With `newer_only`, the table has a staged row's key only in rows whose cursor is not older than the row's.
        """
        names = [self.warehouse.quote(name) for name in self.target.column_names]
        same_key = same_key_sql(self.warehouse, self.target, self.table, self.staged, self.ranges)
        cursor = self.target.cursor.column if self.target.cursor else ""
        if newer_only and cursor in self.ranges:
            same_key += f" AND {self.table}.{self.warehouse.quote(cursor)} >= {self.ranges[cursor][0]}"
        self.session.run(
            f"INSERT INTO {self.table} ({', '.join(names)}) "
            f"SELECT {', '.join(f'{self.staged}.{name}' for name in names)} "
            f"FROM {self.staged} LEFT JOIN {self.table} ON {same_key} "
            f"WHERE {self.table}.{self.warehouse.quote(self.target.key[0])} IS NULL"
        )

    def replace_within(self, scope: str, bounds: Sequence[Any] = ()) -> None:
        """Make the staged rows the only rows within `scope`, and the only rows with their keys.

        `scope` is a condition with the bind values `bounds`. A scope without values is the whole table.

        If the warehouse can compare rows exactly, unchanged rows are not rewritten, so a repeated load writes nothing.
        Afterwards, the row count must be that of the staged rows. It differs if the table has a row twice. In that
        case, all rows are replaced.

        Raises:
            RowCountMismatch: the number of inserted rows differs from the number of staged rows.
        """
        session, table, staged, target = self.session, self.table, self.staged, self.target
        same_key = same_key_sql(self.warehouse, target, table, staged, self.ranges)
        differs = self.differs_sql()
        if self.changed_keys and not bounds:
            self._exchange(self.changed_keys)
            if session.one(f"SELECT count(*) FROM {table}") == self.count:
                return
        elif target.key and differs:
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
        inserted = session.run(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staged}")
        if inserted not in (-1, self.count):
            raise RowCountMismatch(
                f"{target.name}: row counts differ: {self.count} rows were staged, and {inserted} were inserted; "
                "nothing was changed. Run it again"
            )


def same_key_sql(
    warehouse: Dialect, target: TargetTable, table: str, other: str, ranges: Ranges = MappingProxyType({})
) -> str:
    """Return the condition that a row of `table` and one of `other` (both quoted) have the same key.

    `ranges` are those of the rows of `other`.
    """
    names = {name: warehouse.quote(name) for name in target.key}
    conditions = [f"{table}.{name} = {other}.{name}" for name in names.values()]
    for name in names.keys() & ranges.keys():
        conditions.append(f"{table}.{names[name]} BETWEEN {ranges[name][0]} AND {ranges[name][1]}")
    return " AND ".join(conditions)


def without_keys_sql(warehouse: Dialect, target: TargetTable, table: str, keys: str) -> str:
    """Return the condition that a row of `table` has none of the keys in the table `keys` (both quoted)."""
    return f"NOT EXISTS (SELECT 1 FROM {keys} WHERE {same_key_sql(warehouse, target, keys, table)})"


def not_newer_sql(warehouse: Dialect, target: TargetTable, staged: str, ranges: Ranges = MappingProxyType({})) -> str:
    """Return the condition that a row of the target has the key of a row in `staged` (quoted), and is not newer.

    `ranges` are those of the staged rows. The older row of a key may have any older cursor, so only the newest staged
    cursor is a bound.
    """
    table = warehouse.table(target.name)
    condition = same_key_sql(warehouse, target, table, staged, ranges)
    if target.cursor:
        column = warehouse.quote(target.cursor.column)
        condition += f" AND ({table}.{column} IS NULL OR {staged}.{column} >= {table}.{column})"
        if target.cursor.column in ranges:
            condition += f" AND ({table}.{column} IS NULL OR {table}.{column} <= {ranges[target.cursor.column][1]})"
    return condition
