"""Which columns a summary gives, found without running it; tables and columns that are not there are refused.

sqlglot knows less of a warehouse than the warehouse itself. What it cannot tell apart (a system column, a date part, a
path into a SUPER, a name that two tables have) is let through: the database has the last word.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.resolver import Resolver
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from daybook.errors import TableFileError
from daybook.model.table_name import TableName
from daybook.suggestions import did_you_mean
from daybook.summaries.parse import table_names
from daybook.summaries.parse.lineage import Lineage, refused

#: Among a table's columns: it has others, which are not known.
AND_OTHERS = "*"

#: `schema.table`: its columns, as column: type. A type may be empty.
Columns = Mapping[str, Mapping[str, str]]

#: What sqlglot says of what is clearly wrong, and we say of it.
_SAID = {
    "Unknown table": "{0}.*: nothing in its FROM is called {0}",
    "Cannot automatically join": "USING ({0}): not both sides of the JOIN have that column",
    "Unknown output column": "GROUP BY or ORDER BY {0}: it gives fewer columns",
}
#: Parts of a date, as in DATE_PART(dow, created_at).
_PARTS = frozenset(
    (
        *("century", "decade", "year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"),
        *("microsecond", "epoch", "dow", "doy", "isodow", "isoyear", "weekday", "dayofweek", "dayofyear", "timezone"),
    )
)


def columns(lineage: Lineage, schema: Columns, system_columns: frozenset[str] = frozenset()) -> list[str]:
    """Return the columns that a summary gives, in order, with every star written out where its columns are known.

    `schema` has the columns of all tables that there are, and `system_columns` are those that every table has. Among
    the returned columns, `AND_OTHERS` stands for those of a star that are not known.

    Raises:
        TableFileError: a table or a column is not there; a column has no name, or two have the same. All that is wrong.
    """
    problems = list(_unnamed(lineage)) or list(_unknown_tables(lineage, schema))
    if problems:
        raise _all(problems)
    known = MappingSchema(dialect=lineage.dialect, normalize=False)
    for name in lineage.inputs:
        schema_name, table_name = TableName.parse(name)
        known.add_table(
            exp.table_(table_name, schema_name, quoted=True), dict.fromkeys(schema[name] or (AND_OTHERS,), "text")
        )
    try:
        tree = qualify(
            lineage.tree.copy(),
            dialect=lineage.dialect,
            schema=known,
            allow_partial_qualification=True,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
    except OptimizeError as error:
        said, _, what = str(error).partition(": ")
        if said in _SAID:
            raise refused(lineage.summary, None, _SAID[said].format(what)) from None
        return [AND_OTHERS]
    problems = list(_unknown_columns(lineage, tree, known, system_columns))
    if problems:
        raise _all(problems)
    found = [name if name else AND_OTHERS for name in tree.named_selects]
    for name in sorted({name for name in found if found.count(name) > 1 and name != AND_OTHERS}):
        raise refused(lineage.summary, None, f"two columns are called {name}: leave one out, or name it with AS")
    return found


def _all(problems: Sequence[TableFileError]) -> TableFileError:
    return TableFileError("\n".join(dict.fromkeys(str(problem) for problem in problems)))


def _unnamed(lineage: Lineage) -> Iterator[TableFileError]:
    for number, select in enumerate(lineage.tree.selects, 1):
        if not select.output_name and not select.is_star:
            said = select.sql(dialect=lineage.dialect)
            yield refused(lineage.summary, select, f"column {number}, {said:.60}, has no name: give it a name with AS")


def _unknown_tables(lineage: Lineage, schema: Columns) -> Iterator[TableFileError]:
    for name in lineage.inputs:
        if name in schema:
            continue
        same_table = [one for one in schema if TableName.parse(one).table == TableName.parse(name).table]
        near = did_you_mean(name, schema, most=3) or did_you_mean(
            name, same_table, "load it first, or correct the name", most=3, cutoff=0
        )
        place = next(place for place in lineage.places if place.table == name)
        line = lineage.summary.sql[: place.start].count("\n") + 1
        yield refused(lineage.summary, line, f"{name} is not a table in the warehouse, and not a summary{near}")


def _unknown_columns(
    lineage: Lineage, tree: exp.Expr, schema: MappingSchema, system_columns: frozenset[str]
) -> Iterator[TableFileError]:
    aliases = {
        table_names.fold(name, lineage.dialect) for name in lineage.tree.find_all(exp.Identifier) if _is_alias(name)
    }
    for scope in traverse_scope(tree):
        seen = _in_sight(scope, schema)
        for column in scope.columns:
            if column.name.lower() in system_columns:
                continue
            if isinstance(column.this, exp.Identifier) and not column.args.get("catalog"):
                message = _wrong(column, scope, seen, aliases)
                if message:
                    yield refused(lineage.summary, column, message)


def _is_alias(name: exp.Identifier) -> bool:
    return isinstance(name.parent, exp.TableAlias | exp.Alias)


def _in_sight(scope: Scope, schema: MappingSchema) -> dict[str, Sequence[str]]:
    """What a SELECT and those around it read, with the columns of each: none where nobody knows them."""
    seen = dict[str, Sequence[str]]()
    outer: Scope | None = scope
    while outer is not None:
        resolver = Resolver(outer, schema)
        for source in outer.selected_sources:
            if source not in seen:
                seen[source] = resolver.get_source_columns(source)
        outer = outer.parent if outer.can_be_correlated else None
    return seen


def _wrong(column: exp.Column, scope: Scope, seen: Mapping[str, Sequence[str]], aliases: set[str]) -> str | None:
    """What is wrong with a column, where something clearly is."""
    name, table = column.name, column.table
    if table in seen:
        there = seen[table]
        return None if _may_have(there, name) else f"{table} has no column {name}{_near(name, there)}"
    of_all = [one for there in seen.values() for one in there]
    if table:
        if table in aliases or scope.pivots or any(_may_have(there, table) for there in seen.values()):
            return None
        return f"{table}.{name}: nothing in its FROM is called {table}{_near(table, list(seen))}"
    if name in aliases or name in seen or scope.pivots or any(_may_have(there, name) for there in seen.values()):
        return None
    if isinstance(column.parent, exp.Func) and name.lower().rstrip("s") in _PARTS:
        return None
    if isinstance(scope.expression, exp.SetOperation) and name in scope.expression.named_selects:
        return None  # of the ORDER BY of a UNION
    return f"there is no column {name} in what it reads{_near(name, of_all)}"


def _may_have(there: Sequence[str], name: str) -> bool:
    return not there or AND_OTHERS in there or name in there


def _near(name: str, there: Sequence[str]) -> str:
    known = list(dict.fromkeys(there))
    listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return did_you_mean(name, there, f"there are {listed or 'none'}")
