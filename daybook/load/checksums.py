"""What a load counts of the rows that it brings, and the checksum of them that the ledger keeps for the audit."""

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
    """Of one load or audit, in the warehouse. Where nothing is compared (`recipe` is None), every checksum is None.

    `target` is what is loaded, and `recipe` what is compared of it.
    """

    def __init__(self, session: Session, warehouse: Warehouse, target: Target, recipe: ComparedColumns | None) -> None:
        self._session, self._warehouse, self._target, self.recipe = session, warehouse, target, recipe
        self._column = warehouse.quote(target.cursor.column) if target.cursor else ""
        self._side = self.side("") if recipe else None

    @classmethod
    def of_load(
        cls, session: Session, warehouse: Warehouse, table: Table, target: Target, described: Sequence[Column]
    ) -> "LoadChecksums":
        """For a load: `described` are all of the source's columns, as they leave it."""
        recipe = recipe_for(session, warehouse, target, described) if table.source.audited else None
        return cls(session, warehouse, target, recipe)

    def side(self, table: str) -> ComparisonSide:
        """The warehouse's side of an audit: of `table`, what stands behind FROM."""
        assert self.recipe is not None
        hashing = self._warehouse.hashing
        for statement in hashing.SESSION:
            self._session.run(statement)
        quote, cursor = self._warehouse.quote, self._target.cursor
        return side_of(hashing, self.recipe, lambda field: quote(field.name), self._session.rows, table, cursor, quote)

    def sums(self, table: str, intervals: Sequence[Interval]) -> dict[Interval, Sum]:
        """The checksum of the rows of `table` (quoted: the target, or what is staged for it) in each interval."""
        if self._side is None:
            return {interval: Sum(rows) for interval, rows in self.counts(table, intervals).items()}
        return replace(self._side, table=table).sums(intervals)

    def counts(self, table: str, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """How many rows of `table` (quoted) lie in each interval."""
        cursor = self._target.cursor
        assert cursor is not None
        return rows_by_interval(self._session.rows, table, self._column, cursor, intervals)

    def whole(self, table: str) -> Sum | None:
        """The checksum of all rows of `table` (quoted); None where nothing is compared, and nobody has to read them."""
        return replace(self._side, table=table).whole() if self._side else None

    def checksum(self, sum: Sum | None) -> str | None:
        """As the ledger keeps it."""
        return checksum_of(self.recipe.fingerprint, sum) if self.recipe and sum else None


def recipe_for(session: Session, warehouse: Warehouse, target: Target, described: Sequence[Column]) -> ComparedColumns:
    """What is compared of a table, as it is in the warehouse, or as a load would make it there."""
    existing: Mapping[str, Column] = warehouse.existing_columns(session, target.name) or {
        warehouse.folded(column.name): Column(column.name, warehouse.spelled(column.type)) for column in target.columns
    }
    return recipe_of(target, existing, warehouse.folded, described)
