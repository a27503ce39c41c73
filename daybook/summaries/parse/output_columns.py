"""Find the columns of a summary without running it. Tables and columns that do not exist are refused.

sqlglot knows less about a warehouse than the warehouse itself. Ambiguous names are accepted, and the database decides:
a system column, a date part, a path into a SUPER, a name that two tables have.
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

#: Stands for unknown columns in a list of columns.
AND_OTHERS = "*"

#: Columns by `schema.table`, as {column: type}. A type may be empty.
Columns = Mapping[str, Mapping[str, str]]

#: sqlglot's messages about certain errors, and Daybook's messages for them.
_MESSAGES = {
    "Unknown table": "{0}.*: its FROM has no {0}",
    "Cannot automatically join": "USING ({0}): one side of the JOIN does not have that column",
    "Unknown output column": "GROUP BY or ORDER BY {0}: it returns fewer columns",
}
#: Parts of a date, as in DATE_PART(dow, created_at).
_PARTS = frozenset(
    (
        *("century", "decade", "year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"),
        *("microsecond", "epoch", "dow", "doy", "isodow", "isoyear", "weekday", "dayofweek", "dayofyear", "timezone"),
    )
)


def columns(lineage: Lineage, schema: Columns, system_columns: frozenset[str] = frozenset()) -> list[str]:
    """Return the columns of a summary, in order. A star is expanded if its columns are known.

    Args:
        lineage: the summary.
        schema: the columns of all existing tables.
        system_columns: the columns that every table of the warehouse has.

    Returns:
        The names of the columns. `AND_OTHERS` stands for the unknown columns of a star.

    Raises:
        TableFileError: a table or a column does not exist, a column has no name, or two have the same name. The error
            lists all problems.
    """
    problems = list(_unnamed(lineage)) or list(_unknown_tables(lineage, schema))
    if problems:
        raise _all(problems)
    mapping = _mapping(lineage, schema)
    try:
        tree = _qualified(lineage, mapping)
    except OptimizeError as error:
        message, _, subject = str(error).partition(": ")
        if message in _MESSAGES:
            raise refused(lineage.summary, None, _MESSAGES[message].format(subject)) from None
        return [AND_OTHERS]
    problems = list(_unknown_columns(lineage, tree, mapping, system_columns))
    if problems:
        raise _all(problems)
    found = [name if name else AND_OTHERS for name in tree.named_selects]
    for name in sorted({name for name in found if found.count(name) > 1 and name != AND_OTHERS}):
        raise refused(lineage.summary, None, f"two columns are called {name}: remove one, or rename it with AS")
    return found


def qualified(lineage: Lineage, schema: Columns) -> exp.Query | None:
    """Return the tree of a SELECT in which each column has the alias of its table. None: sqlglot cannot find it."""
    try:
        return _qualified(lineage, _mapping(lineage, schema))
    except OptimizeError:
        return None


def _mapping(lineage: Lineage, schema: Columns) -> MappingSchema:
    mapping = MappingSchema(dialect=lineage.dialect, normalize=False)
    for name in lineage.inputs:
        schema_name, table_name = TableName.parse(name)
        mapping.add_table(
            exp.table_(table_name, schema_name, quoted=True), dict.fromkeys(schema[name] or (AND_OTHERS,), "text")
        )
    return mapping


def _qualified(lineage: Lineage, mapping: MappingSchema) -> exp.Query:
    return qualify(
        lineage.tree.copy(),
        dialect=lineage.dialect,
        schema=mapping,
        allow_partial_qualification=True,
        validate_qualify_columns=False,
        quote_identifiers=False,
    )


def _all(problems: Sequence[TableFileError]) -> TableFileError:
    return TableFileError("\n".join(dict.fromkeys(str(problem) for problem in problems)))


def _unnamed(lineage: Lineage) -> Iterator[TableFileError]:
    for number, select in enumerate(lineage.tree.selects, 1):
        if not select.output_name and not select.is_star:
            text = select.sql(dialect=lineage.dialect)
            yield refused(lineage.summary, select, f"column {number}, {text:.60}, has no name: give it a name with AS")


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
        yield refused(lineage.summary, line, f"{name} is not a table in the warehouse and not a summary{near}")


def _unknown_columns(
    lineage: Lineage, tree: exp.Expr, schema: MappingSchema, system_columns: frozenset[str]
) -> Iterator[TableFileError]:
    aliases = {
        table_names.fold(name, lineage.dialect) for name in lineage.tree.find_all(exp.Identifier) if _is_alias(name)
    }
    for scope in traverse_scope(tree):
        visible = _in_sight(scope, schema)
        for column in scope.columns:
            if column.name.lower() in system_columns:
                continue
            if isinstance(column.this, exp.Identifier) and not column.args.get("catalog"):
                message = _wrong(column, scope, visible, aliases)
                if message:
                    yield refused(lineage.summary, column, message)


def _is_alias(name: exp.Identifier) -> bool:
    return isinstance(name.parent, exp.TableAlias | exp.Alias)


def _in_sight(scope: Scope, schema: MappingSchema) -> dict[str, Sequence[str]]:
    """Return the tables that a SELECT and its outer SELECTs read, with their columns. No columns: unknown."""
    visible = dict[str, Sequence[str]]()
    outer: Scope | None = scope
    while outer is not None:
        resolver = Resolver(outer, schema)
        for source in outer.selected_sources:
            if source not in visible:
                visible[source] = resolver.get_source_columns(source)
        outer = outer.parent if outer.can_be_correlated else None
    return visible


def _wrong(column: exp.Column, scope: Scope, visible: Mapping[str, Sequence[str]], aliases: set[str]) -> str | None:
    """Return the error about a column, or None if it may exist."""
    name, table = column.name, column.table
    if table in visible:
        return None if _may_have(visible[table], name) else f"{table} has no column {name}{_near(name, visible[table])}"
    every_column = [one for columns in visible.values() for one in columns]
    if table:
        if table in aliases or scope.pivots or any(_may_have(columns, table) for columns in visible.values()):
            return None
        return f"{table}.{name}: its FROM has no {table}{_near(table, list(visible))}"
    if name in aliases or name in visible or scope.pivots:
        return None
    if any(_may_have(columns, name) for columns in visible.values()):
        return None
    if isinstance(column.parent, exp.Func) and name.lower().rstrip("s") in _PARTS:
        return None
    if isinstance(scope.expression, exp.SetOperation) and name in scope.expression.named_selects:
        return None  # in the ORDER BY of a UNION
    return f"no input has the column {name}{_near(name, every_column)}"


def _may_have(columns: Sequence[str], name: str) -> bool:
    return not columns or AND_OTHERS in columns or name in columns


def _near(name: str, names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    listed = ", ".join(unique[:12]) + (", …" if len(unique) > 12 else "")
    return did_you_mean(name, names, f"choose from {listed or 'none'}")
