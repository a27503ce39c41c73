"""One side of an audit: a table of the source or of the warehouse, whose database computes the hashes of its rows."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from daybook.model.cursor import Cursor
from daybook.model.types import Column
from daybook.sql.bucketing import Axis, Query, S, fenced
from daybook.sql.checksum.columns import ComparedColumns, Field
from daybook.sql.checksum.sums import Sum, sum_of, sums_by_interval

T = TypeVar("T")

#: The number of bits of a hash.
HASH_BITS = 60


class Hashing(Protocol):
    """The SQL in which one database computes hashes. `value` returns the SQL of a field's value.

    A `%` in the SQL is doubled, because the query has bind values.
    """

    @property
    def SESSION(self) -> tuple[str, ...]:
        """The statements to run first on a new connection."""
        ...

    @property
    def FENCE(self) -> str:
        """The end of a subquery whose result is grouped: see `daybook.sql.bucketing.by_stretch`."""
        ...

    @property
    def TOO_LONG(self) -> str:
        """The reason why some rows have no hash, and the remedy. It follows "12 rows " in a message."""
        ...

    def row_hash(self, recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
        """Return the SQL of a row's hash, 0 to 2^60 - 1. It is NULL if the database cannot build the row's text."""
        ...

    def key_hash(self, recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
        """Return the SQL of the hash of a row's key, or of the whole row if there is no key."""
        ...

    def spelled(self, field: Field, value: str) -> str:
        """Return the SQL of a field's text, before its length or digest; NULL for NULL. Messages show keys this way."""
        ...


class HashBucket(NamedTuple):
    """The rows whose key's hash has this prefix: `hash >> shift == prefix`."""

    shift: int
    prefix: int


class RowGroup(NamedTuple):
    """Rows that are equal in all compared columns."""

    key_hash: int
    row_hash: int
    key: tuple[Any, ...]
    rows: int
    """The number of these rows."""


@dataclass(slots=True)
class Cost:
    """The number of queries to a side, and the approximate number of bytes in their results."""

    queries: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class ComparisonSide:
    """One of the two compared tables. All names in its SQL are quoted, and the SQL has no bind values."""

    query: Query
    """Runs a query with its bind values in this side's database."""
    table: str
    """A FROM item."""
    axis: Axis | None
    """The SQL that divides the rows by `column`; None if only the whole table is compared."""
    column: str
    row_hash: str
    """The SQL of a row's hash."""
    key_hash: str
    """The SQL of the hash of a row's key."""
    key: Mapping[str, str]
    """The SQL of each key column's value, after masking, by the column's name."""
    quote: Callable[[str], str]
    """Quotes a name for this database."""
    fence: str
    """The end of a subquery whose result is grouped: see `daybook.sql.bucketing.by_stretch`."""
    too_long: str
    """The reason why some rows have no hash, and the remedy. It follows "12 rows " in a message."""
    cost: Cost = field(default_factory=Cost)
    within: Callable[[Any, Any], str] | None = None
    """Returns the FROM item for the rows from one instant until another. None: `table`, whatever the range is."""

    def metered(self) -> "ComparisonSide":
        """Return a copy of this side with a new `cost`, which starts at zero."""
        cost = Cost()

        def query(statement: str, values: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
            rows = self.query(statement, values)
            cost.queries += 1
            cost.bytes += sum(len(str(value)) for row in rows for value in row)
            return rows

        return replace(self, query=query, cost=cost)

    def sums(self, stretches: Sequence[S]) -> dict[S, Sum]:
        """Return the checksum of each of these ranges, which do not overlap."""
        return {stretch: sum for stretch, (sum,) in self.sums_of([self.row_hash], stretches).items()}

    def sums_of(self, hashes: Sequence[str], stretches: Sequence[S]) -> dict[S, tuple[Sum, ...]]:
        """Return the sums of several hashes (SQL) for each of these ranges, which do not overlap."""
        assert self.axis is not None
        args = (self._from(stretches), self.column, self.axis, hashes, stretches, self.fence)
        return sums_by_interval(self.query, *args)

    def whole(self) -> Sum:
        """Return the checksum of the whole table."""
        return sum_of(self.query, self.table, self.row_hash)

    def unhashed(self, stretches: Sequence[S]) -> int:
        """Return the number of rows in these ranges without a hash: the database could not build their text."""
        hashed = f"SELECT {self.row_hash} AS hash FROM {self._from(stretches)}"
        where, bounds = self._within(stretches)
        ((rows, with_hash),) = self.query(f"SELECT count(*), count(hash) FROM ({hashed} {where}) AS hashed", bounds)
        return int(rows) - int(with_hash)

    def pieces(self, stretch: S, into: int, of: Sequence[HashBucket]) -> dict[HashBucket, Sum]:
        """Divide the buckets `of`, all of one shift, into buckets of shift `into`, and return their checksums."""
        chosen, prefixes = self._chosen(of)
        rows = self.query(
            f"SELECT piece, count(*), sum(hash) FROM (SELECT (key_hash >> {into}) AS piece, hash FROM "
            f"({self._hashed(stretch)}) AS hashed WHERE {chosen}{fenced(self.fence, 2)}) AS pieces GROUP BY piece",
            [*self._within([stretch])[1], *prefixes],
        )
        return {HashBucket(into, int(piece)): Sum(int(count), int(total or 0)) for piece, count, total in rows}

    def rows_of(self, stretch: S, pieces: Sequence[HashBucket]) -> list[RowGroup]:
        """Return the rows of these buckets, as groups of equal rows."""
        keys = [f"key_{number}" for number in range(len(self.key))]
        names = ", ".join(["key_hash", "hash", *keys])
        chosen, prefixes = self._chosen(pieces)
        rows = self.query(
            f"SELECT {names}, count(*) FROM ({self._hashed(stretch, keys)}) AS hashed WHERE {chosen} GROUP BY {names}",
            [*self._within([stretch])[1], *prefixes],
        )
        return [RowGroup(int(row[0]), int(row[1]), tuple(row[2:-1]), int(row[-1])) for row in rows]

    def some_keys(self, stretch: S, most: int) -> list[tuple[Any, ...]]:
        """Return the keys of at most `most` rows of the range."""
        where, bounds = self._within([stretch])
        keys = ", ".join(self.key.values())
        rows = self._from([stretch])
        return list(self.query(f"SELECT {keys} FROM {rows} {where} LIMIT {most}", bounds)) if keys else []

    def _hashed(self, stretch: Any, keys: Sequence[str] = ()) -> str:
        named = "".join(f", {sql} AS {name}" for name, sql in zip(keys, self.key.values(), strict=False))
        where, _ = self._within([stretch])
        rows = self._from([stretch])
        return f"SELECT {self.key_hash} AS key_hash, {self.row_hash} AS hash{named} FROM {rows} {where}"

    def _from(self, stretches: Sequence[Any]) -> str:
        """Return the FROM item for the rows of these ranges. It may have others: the caller adds the condition."""
        if self.within is None or not stretches:
            return self.table
        return self.within(min(one.start for one in stretches), max(one.end for one in stretches))

    def _within(self, stretches: Sequence[Any]) -> tuple[str, list[Any]]:
        assert self.axis is not None
        condition, bounds = self.axis.within_sql(self.column, stretches)
        return f"WHERE {condition}", bounds

    @staticmethod
    def _chosen(pieces: Sequence[HashBucket]) -> tuple[str, list[int]]:
        """Return the condition that a row is in one of the buckets, and its bind values."""
        conditions, values = [], list[int]()
        for shift in sorted({piece.shift for piece in pieces if piece.shift < HASH_BITS}):
            prefixes = [piece.prefix for piece in pieces if piece.shift == shift]
            conditions.append(f"(key_hash >> {shift}) IN ({', '.join(['%s'] * len(prefixes))})")
            values += prefixes
        return f"({' OR '.join(conditions)})" if conditions else "1 = 1", values


@runtime_checkable
class Auditable(Protocol):
    """An opened source whose database computes hashes."""

    def side(self, recipe: ComparedColumns, columns: Sequence[Column], seconds: int) -> ComparisonSide:
        """Return the source's side of an audit: the rows that a load extracts, after masking, without deleted rows.

        `columns` are the source's columns, after masking. The server ends a statement that takes longer than `seconds`.
        """
        ...


@dataclass(frozen=True)
class ComparisonPair:
    """The two sides of an audit, which compute at the same time."""

    source: ComparisonSide
    warehouse: ComparisonSide

    def ask(self, question: Callable[[ComparisonSide], T]) -> tuple[T, T]:
        """Call `question` with both sides at the same time, and return the results of the source and the warehouse."""
        with ThreadPoolExecutor(1, "source") as pool:
            from_source = pool.submit(question, self.source)
            from_warehouse = question(self.warehouse)
            return from_source.result(), from_warehouse

    def metered(self) -> "ComparisonPair":
        """Return a copy of both sides with new costs, which start at zero."""
        return ComparisonPair(self.source.metered(), self.warehouse.metered())


def side_of(
    hashing: Hashing,
    recipe: ComparedColumns,
    value: Callable[[Field], str],
    query: Query,
    table: str,
    cursor: Cursor | None,
    quote: Callable[[str], str],
) -> ComparisonSide:
    """Return the side of a database that computes hashes by `hashing`.

    Args:
        hashing: the SQL of the hashes.
        recipe: the columns to compare.
        value: returns the SQL of a field's value.
        query: runs a query with its bind values.
        table: a FROM item.
        cursor: the column that divides the rows into intervals; None to compare only the whole table.
        quote: quotes a name.
    """
    column = quote(cursor.column) if cursor else ""
    key = {field.name: hashing.spelled(field, value(field)) for field in recipe.key_fields} if recipe.key else {}
    hashes = (hashing.row_hash(recipe, value), hashing.key_hash(recipe, value))
    return ComparisonSide(query, table, cursor, column, *hashes, key, quote, hashing.FENCE, hashing.TOO_LONG)
