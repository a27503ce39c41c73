"""Compute the checksums of a whole table in the source and in the warehouse, as an audit does."""

from dataclasses import dataclass

from daybook.definitions.table import Table
from daybook.load.checksums import LoadChecksums
from daybook.load.extraction.target_shape import target_of
from daybook.model.masks import masked
from daybook.sql.checksum.columns import ComparedColumns, recipe_of
from daybook.sql.checksum.side import ComparisonSide
from tests.support.source_and_warehouse import Endpoints

Sum = tuple[int, int]


@dataclass(frozen=True)
class Sums:
    """The (rows, sum) of both sides, which an audit compares."""

    source: Sum
    warehouse: Sum
    recipe: ComparedColumns


def sums(ends: Endpoints, table: Table, columns: tuple[str, ...] = ()) -> Sums:
    """Return the sums of a loaded table, over all columns or only over `columns`."""
    with table.source.open_to_audit(table, ends) as source, ends.warehouse.session() as session:
        described = masked(table, source.columns())
        target = target_of(table, described)
        existing = ends.warehouse.existing_columns(session, table.name)
        recipe = recipe_of(target, existing, ends.warehouse.folded, described, ends.warehouse.incomparable)
        if columns:
            recipe = ComparedColumns(tuple(f for f in recipe.fields if f.name in columns), (), recipe.left_out)
        loaded = LoadChecksums(session, ends.warehouse, target, recipe).side(ends.warehouse.table(table.name))
        return Sums(_sum(source.side(recipe, described, 60)), _sum(loaded), recipe)


def _sum(side: ComparisonSide) -> Sum:
    found = side.whole()
    ((numbers,),) = side.query(f"SELECT count({side.row_hash}) FROM {side.table}", ())
    assert found.rows == numbers, "a row's text could not be built"
    return found.rows, found.sum
