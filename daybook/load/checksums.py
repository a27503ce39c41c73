"""Row counts and checksums of loaded rows. The ledger keeps them, and the audit compares them with the source."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from daybook.definitions.table import Table
from daybook.model.interval import Interval
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.sql.bucketing import rows_by_interval
from daybook.sql.checksum.columns import ComparedColumns, recipe_of
from daybook.sql.checksum.side import ComparisonSide, side_of
from daybook.sql.checksum.sums import Sum, checksum_of
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


class LoadChecksums:
    """Computes the row counts and checksums of one load or audit in the warehouse.

    `target` is the loaded table, and `recipe` has the columns to compare. If `recipe` is None, every checksum is None.
    """

    def __init__(self, session: Session, warehouse: Warehouse, target: Target, recipe: ComparedColumns | None) -> None:
        self._session, self._warehouse, self._target, self.recipe = session, warehouse, target, recipe
        self._column = warehouse.quote(target.cursor.column) if target.cursor else ""
        self._side = self.side("") if recipe else None

    @classmethod
    def of_load(
        cls, session: Session, warehouse: Warehouse, table: Table, target: Target, described: Sequence[Column]
    ) -> "LoadChecksums":
        """Return the checksums for a load. `described` are all columns of the source, after masking."""
        recipe = recipe_for(session, warehouse, target, described) if table.source.audited else None
        return cls(session, warehouse, target, recipe)

    def side(self, table: str) -> ComparisonSide:
        """Return the warehouse's side of an audit. `table` is a FROM item."""
        assert self.recipe is not None
        hashing = self._warehouse.hashing
        for statement in hashing.SESSION:
            self._session.run(statement)
        quote, cursor = self._warehouse.quote, self._target.cursor
        return side_of(hashing, self.recipe, lambda field: quote(field.name), self._session.rows, table, cursor, quote)

    def sums(self, table: str, intervals: Sequence[Interval]) -> dict[Interval, Sum]:
        """Return the checksum of each interval's rows. `table` is quoted: the target or its staging table."""
        if self._side is None:
            return {interval: Sum(rows) for interval, rows in self.counts(table, intervals).items()}
        return replace(self._side, table=table).sums(intervals)

    def pairs(self, table: str, intervals: Sequence[Interval], other: str) -> dict[Interval, tuple[Sum, Sum]]:
        """Return the checksum of each interval, and the sum of another hash (SQL). `table` is a FROM item."""
        assert self._side is not None
        sums = replace(self._side, table=table).sums_of([self._side.row_hash, other], intervals)
        return {interval: (checksum, sum) for interval, (checksum, sum) in sums.items()}

    def spanned(self, table: str, intervals: Sequence[Interval]) -> list[Interval]:
        """Return those of the ordered `intervals` from the first to the last with rows. `table` is a FROM item."""
        cursor = self._target.cursor
        assert cursor is not None
        within, bounds = cursor.within_sql(self._column, [Interval(intervals[0].start, intervals[-1].end)])
        query = f"SELECT min({self._column}), max({self._column}) FROM {table} WHERE {within}"
        ((first, last),) = self._session.rows(query, bounds)
        if first is None:
            return []
        return [one for one in intervals if cursor.bound(one.end) > first and cursor.bound(one.start) <= last]

    def sums_of(self, hash_sql: str, table: str, intervals: Sequence[Interval]) -> dict[Interval, Sum]:
        """Return the sum of another hash for each interval. `table` is a FROM item."""
        assert self._side is not None
        return replace(self._side, table=table, row_hash=hash_sql).sums(intervals)

    def counts(self, table: str, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Return the row count of each interval in `table` (quoted)."""
        cursor = self._target.cursor
        assert cursor is not None
        return rows_by_interval(self._session.rows, table, self._column, cursor, intervals)

    def whole(self, table: str) -> Sum | None:
        """Return the checksum of all rows of `table` (quoted). If nothing is compared, return None and read no rows."""
        return replace(self._side, table=table).whole() if self._side else None

    def checksum(self, sum: Sum | None) -> str | None:
        """Return the checksum as the ledger keeps it."""
        return checksum_of(self.recipe.fingerprint, sum) if self.recipe and sum else None


def recipe_for(session: Session, warehouse: Warehouse, target: Target, described: Sequence[Column]) -> ComparedColumns:
    """Return the columns to compare: of the table in the warehouse, or of the table that a load would create."""
    existing: Mapping[str, Column] = warehouse.existing_columns(session, target.name) or {
        warehouse.folded(column.name): Column(column.name, warehouse.spelled(column.type)) for column in target.columns
    }
    left_out = {}
    for name, column in existing.items():
        if column.type.kind in warehouse.incomparable:
            left_out[name] = warehouse.incomparable[column.type.kind]
    for name in target.shortened:
        left_out[warehouse.folded(name)] = "too_long: in the table file lets a load shorten its values"
    return recipe_of(target, existing, warehouse.folded, described, left_out)
