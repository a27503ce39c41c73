"""The checksum of a whole table, at its source and in its warehouse, by the SQL of `daybook.audit.dialects`."""

from collections.abc import Callable
from dataclasses import dataclass

from daybook.audit.dialects import postgresql, redshift
from daybook.audit.recipe import Recipe, recipe_of
from daybook.extract import shape
from daybook.masks import masked
from daybook.table import Table
from tests.daybook.ends import Ends

Sum = tuple[int, int | None]


@dataclass(frozen=True)
class Sums:
    """(rows, sum) of both sides, which is all that is compared."""

    source: Sum
    warehouse: Sum
    recipe: Recipe


def sums(ends: Ends, table: Table, columns: tuple[str, ...] = ()) -> Sums:
    """The sums of a table that was loaded; of these columns alone, where some are named."""
    with table.source.open(table, ends) as source, ends.warehouse.session() as session:
        described = masked(table, source.columns())
        target = shape(table, described)
        existing = ends.warehouse.existing_columns(session, table.name)
        recipe = recipe_of(target, existing, ends.warehouse.folded, described)
        if columns:
            recipe = Recipe(tuple(f for f in recipe.fields if f.name in columns), (), recipe.left_out)
        side = source.side(recipe, described, 300)
        found = _sum(lambda statement: side.query(statement, ()), side.table, side.row_hash)
        there = redshift if ends.on_redshift else postgresql
        for statement in there.SESSION:
            session.run(statement)
        hashed = there.row_hash(recipe, lambda field: ends.warehouse.quote(field.name))
        return Sums(found, _sum(session.rows, ends.warehouse.quote(*table.name.split(".", 1)), hashed), recipe)


def _sum(query: Callable[[str], list[tuple[int, ...]]], table: str, hashed: str) -> Sum:
    ((rows, numbers, total),) = query(f"SELECT count(*), count({hashed}), sum({hashed}) FROM {table}")
    assert rows == numbers, "a row's text could not be built"
    return rows, total if total is None else int(total)
