"""Find the columns on which summaries join their inputs: a warehouse can keep rows with equal values together."""

from collections.abc import Iterable, Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from daybook.summaries.parse import table_names
from daybook.summaries.parse.lineage import Lineage


def joined_columns(lineages: Iterable[Lineage]) -> dict[str, dict[str, set[str]]]:
    """Return the names of the summaries by input (`schema.table`), and by the column of it that they join on."""
    found: dict[str, dict[str, set[str]]] = {}
    for lineage in lineages:
        for scope in traverse_scope(lineage.tree):
            for table, column in _joined(scope, lineage.dialect):
                found.setdefault(table, {}).setdefault(column, set()).add(lineage.summary.name)
    return found


def _joined(scope: Scope, dialect: str) -> Iterator[tuple[str, str]]:
    """Yield the table and the column of each side of a join's equality."""
    tables = {alias: _name(source, dialect) for alias, source in scope.sources.items()}
    joins = scope.expression.args.get("joins") or ()
    where = scope.expression.args.get("where")
    for condition in [*(join.args.get("on") for join in joins), where.this if where and joins else None]:
        for equality in condition.find_all(exp.EQ) if condition is not None else ():
            sides = [equality.left, equality.right]
            named = all(isinstance(side, exp.Column) and side.table in tables for side in sides)
            if named and sides[0].table != sides[1].table:
                yield from ((name, _column(side, dialect)) for side in sides if (name := tables[side.table]))
    for join in joins:
        for column in join.args.get("using") or ():
            yield from ((name, column.name.lower()) for name in tables.values() if name)


def _name(source: object, dialect: str) -> str | None:
    """Return `schema.table` of a source of a SELECT, or None for a subquery."""
    if not isinstance(source, exp.Table):
        return None
    parts = [table_names.fold(part, dialect) for part in source.parts if isinstance(part, exp.Identifier)]
    return ".".join(parts) if len(parts) == 2 else None


def _column(side: exp.Expr, dialect: str) -> str:
    assert isinstance(side.this, exp.Identifier)
    return table_names.fold(side.this, dialect)
