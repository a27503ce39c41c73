"""The checksum of a whole table, at its source and in its warehouse, by the SQL of `daybook.audit.dialects`."""

from collections.abc import Callable
from dataclasses import dataclass

from daybook.audit.dialects import mysql, postgresql, redshift
from daybook.audit.recipe import Field, Recipe, recipe_of
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
        masks = {column.name: column.mask for column in described}
        name = source._table_sql
        if ends.source.is_mysql:
            rows = {row[0]: row for row in source._described}

            def at_source(field: Field) -> str:
                zero_dates = table.source.zero_dates
                return mysql.sent(field, source._quote(field.name), rows[field.name], masks[field.name], zero_dates)

            hashed = mysql.row_hash(recipe, at_source)
        else:

            def at_source(field: Field) -> str:
                _, type = source._described[field.name]
                return postgresql.sent(field, ends.warehouse.quote(field.name), type, masks[field.name])

            hashed = postgresql.row_hash(recipe, at_source, source=True)
        found = _sum(lambda statement: source._query(statement, ()), name, hashed)
        there = redshift if ends.on_redshift else postgresql
        for statement in there.SESSION:
            session.run(statement)
        hashed = there.row_hash(recipe, lambda field: ends.warehouse.quote(field.name))
        return Sums(found, _sum(session.rows, ends.warehouse.quote(*table.name.split(".", 1)), hashed), recipe)


def _sum(query: Callable[[str], list[tuple[int, ...]]], table: str, hashed: str) -> Sum:
    ((rows, numbers, total),) = query(f"SELECT count(*), count({hashed}), sum({hashed}) FROM {table}")
    assert rows == numbers, "a row's text could not be built"
    return rows, total if total is None else int(total)
