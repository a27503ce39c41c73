"""One side of an audit: a table whose database computes the hashes of its rows, the source's or the warehouse's."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from daybook.model.cursor import Cursor
from daybook.model.types import Column
from daybook.sql.bucketing import Axis, Query, S
from daybook.sql.checksum.columns import ComparedColumns, Field
from daybook.sql.checksum.sums import Sum, sum_of, sums_by_interval

T = TypeVar("T")

#: A hash is a number of so many bits.
HASH_BITS = 60


class Hashing(Protocol):
    """How the SQL of one database writes hashes. `value` is the SQL of a field's value.

    A `%` in the SQL is doubled, because values are bound around it.
    """

    @property
    def SESSION(self) -> tuple[str, ...]:
        """The statements that its connection needs before the others."""
        ...

    @property
    def FENCE(self) -> str:
        """What ends a subquery whose result is grouped: see `daybook.sql.bucketing.by_stretch`."""
        ...

    @property
    def TOO_LONG(self) -> str:
        """Why the database has no hash of some rows, and what to do: what follows "12 rows "."""
        ...

    def row_hash(self, recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
        """Return the number of a row, from 0 to 2^60 - 1; NULL where the database cannot build the row's text."""
        ...

    def key_hash(self, recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
        """Return the number of a row's key; of the whole row where there is no key."""
        ...

    def spelled(self, field: Field, value: str) -> str:
        """Return the text of a field, before its length or digest; NULL of NULL. It also shows a key to a person."""
        ...


class HashBucket(NamedTuple):
    """The rows whose key's hash has this prefix: `hash >> shift == prefix`."""

    shift: int
    prefix: int


class RowGroup(NamedTuple):
    """Rows that are equal in all that is compared: the hash of their key, their hash, their key, and their number."""

    key_hash: int
    row_hash: int
    key: tuple[Any, ...]
    rows: int


@dataclass(slots=True)
class Cost:
    """The number of queries to a side, and about how many bytes of values it returned."""

    queries: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class ComparisonSide:
    """A table of a database, as it is compared. All SQL is quoted, and has no value in it."""

    query: Query
    """Runs a query of this side's database with its values bound."""
    table: str
    """What follows FROM."""
    axis: Axis | None
    """SQL that divides the rows of `column`; None if there is only the whole table."""
    column: str
    row_hash: str
    key_hash: str
    key: Mapping[str, str]
    """The key's columns: the SQL of their values, as they may leave the database."""
    quote: Callable[[str], str]
    """Returns a name as this database quotes it."""
    fence: str
    """What ends a subquery whose result is grouped: see `daybook.sql.bucketing.by_stretch`."""
    too_long: str
    """Why its database has no hash of some rows, and what to do: what follows "12 rows "."""
    cost: Cost = field(default_factory=Cost)

    def metered(self) -> "ComparisonSide":
        """Return the same side with a `cost` of its own, which counts from now on."""
        cost = Cost()

        def query(statement: str, values: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
            rows = self.query(statement, values)
            cost.queries += 1
            cost.bytes += sum(len(str(value)) for row in rows for value in row)
            return rows

        return replace(self, query=query, cost=cost)

    def sums(self, stretches: Sequence[S]) -> dict[S, Sum]:
        """Return the checksum of each of these ranges, which do not overlap."""
        assert self.axis is not None
        return sums_by_interval(self.query, self.table, self.column, self.axis, self.row_hash, stretches, self.fence)

    def whole(self) -> Sum:
        """Return the checksum of the whole table."""
        return sum_of(self.query, self.table, self.row_hash)

    def unhashed(self, stretches: Sequence[S]) -> int:
        """Return the number of rows in these ranges without a hash: the database could not build their text."""
        hashed = f"SELECT {self.row_hash} AS hash FROM {self.table}"
        where, bounds = self._within(stretches)
        ((rows, known),) = self.query(f"SELECT count(*), count(hash) FROM ({hashed} {where}) AS hashed", bounds)
        return int(rows) - int(known)

    def pieces(self, stretch: S, into: int, of: Sequence[HashBucket]) -> dict[HashBucket, Sum]:
        """Return the checksums of the pieces of shift `into` that make up the pieces `of`, all of one shift."""
        chosen, prefixes = self._chosen(of)
        rows = self.query(
            f"SELECT piece, count(*), sum(hash) FROM (SELECT (key_hash >> {into}) AS piece, hash FROM "
            f"({self._hashed(stretch)}) AS hashed WHERE {chosen}{self.fence}) AS pieces GROUP BY piece",
            [*self._bounds(stretch), *prefixes],
        )
        return {HashBucket(into, int(piece)): Sum(int(count), int(total or 0)) for piece, count, total in rows}

    def rows_of(self, stretch: S, pieces: Sequence[HashBucket]) -> list[RowGroup]:
        """Return the rows of these pieces: their hashes and keys, and how many are equal."""
        keys = [f"key_{number}" for number in range(len(self.key))]
        names = ", ".join(["key_hash", "hash", *keys])
        chosen, prefixes = self._chosen(pieces)
        rows = self.query(
            f"SELECT {names}, count(*) FROM ({self._hashed(stretch, keys)}) AS hashed WHERE {chosen} GROUP BY {names}",
            [*self._bounds(stretch), *prefixes],
        )
        return [RowGroup(int(row[0]), int(row[1]), tuple(row[2:-1]), int(row[-1])) for row in rows]

    def some_keys(self, stretch: S, most: int) -> list[tuple[Any, ...]]:
        """Return the keys of some of the rows."""
        where, bounds = self._within([stretch])
        keys = ", ".join(self.key.values())
        return list(self.query(f"SELECT {keys} FROM {self.table} {where} LIMIT {most}", bounds)) if keys else []

    def _hashed(self, stretch: Any, keys: Sequence[str] = ()) -> str:
        named = "".join(f", {sql} AS {name}" for name, sql in zip(keys, self.key.values(), strict=False))
        where, _ = self._within([stretch])
        return f"SELECT {self.key_hash} AS key_hash, {self.row_hash} AS hash{named} FROM {self.table} {where}"

    def _bounds(self, stretch: Any) -> list[Any]:
        return self._within([stretch])[1]

    def _within(self, stretches: Sequence[Any]) -> tuple[str, list[Any]]:
        assert self.axis is not None
        condition, bounds = self.axis.within_sql(self.column, stretches)
        return f"WHERE {condition}", bounds

    @staticmethod
    def _chosen(pieces: Sequence[HashBucket]) -> tuple[str, list[int]]:
        """Return the condition that a row is in one of the pieces, and its values to bind."""
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
        """Return the rows that a load takes, with the values that it sends: masked, and without deleted rows.

        `columns` are those that leave it, behind their masks. A statement may take `seconds`, after which its server
        ends it.
        """
        ...


@dataclass(frozen=True)
class ComparisonPair:
    """The two sides, which are asked at the same time."""

    source: ComparisonSide
    warehouse: ComparisonSide

    def ask(self, question: Callable[[ComparisonSide], T]) -> tuple[T, T]:
        """Return the answers of the source and of the warehouse."""
        with ThreadPoolExecutor(1, "source") as pool:
            answer = pool.submit(question, self.source)
            there = question(self.warehouse)
            return answer.result(), there

    def metered(self) -> "ComparisonPair":
        """Return both with costs of their own."""
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
    """Return a side whose database writes hashes as `hashing` does; `value` returns the SQL of a field's value."""
    column = quote(cursor.column) if cursor else ""
    key = {field.name: hashing.spelled(field, value(field)) for field in recipe.key_fields} if recipe.key else {}
    hashes = (hashing.row_hash(recipe, value), hashing.key_hash(recipe, value))
    return ComparisonSide(query, table, cursor, column, *hashes, key, quote, hashing.FENCE, hashing.TOO_LONG)
