"""Find the places in the text of a SELECT that name tables, and put other tables there.

Daybook edits the text itself. It does not print a parsed tree: the tested text is the text that runs in production.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokens import TokenType

from daybook.model.table_name import TableName


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the text that names a table: `[start, end)`, in characters.

    `alias` is added when another table is put there, so that the rest of the text still refers to it. It is the name
    without the schema, as the text spells it, if the table has no alias. `column` is True for a column that is written
    with its schema (`raw_data.nps.score`): it refers to the table, but does not read it.
    """

    start: int
    end: int
    table: str
    alias: str = ""
    column: bool = False


def fold(identifier: exp.Identifier, dialect: str) -> str:
    """Return an identifier as the catalog of that warehouse spells it."""
    name = exp.Identifier(this=identifier.name, quoted=identifier.quoted)  # a copy would take ten times as long
    return Dialect.get_or_raise(dialect).normalize_identifier(name).name


def kept(name: str, dialect: str) -> str:
    """Return a name from outside of SQL, such as from a file, as the catalog of that warehouse spells it."""
    return fold(exp.to_identifier(name, quoted=True), dialect)


def named_tables(tree: exp.Expr, dialect: str) -> list[exp.Table]:
    """Return the nodes of the tree that name a table, with or without a schema.

    CTEs and functions are left out. So is a path into a column (`FROM raw_data.orders o, o.lines l`), if the dialect
    unnests it, as Redshift does.
    """
    found, unnests = [], Dialect.get_or_raise(dialect).parser_class.SUPPORTS_IMPLICIT_UNNEST
    for table in tree.find_all(exp.Table):
        name, first = table.this, table.args.get("catalog") or table.args.get("db")
        if not isinstance(name, exp.Identifier):
            continue
        if first is None and fold(name, dialect) in _ctes_in_sight(table, dialect):
            continue
        if first is not None and unnests and fold(first, dialect) in _sources_beside(table, dialect):
            continue
        found.append(table)
    return found


def places(tree: exp.Expr, tables: Mapping[int, str], text: str, dialect: str) -> list[Place]:
    """Return the places of the tables and of the columns that are written with a schema, in order.

    `tables` has the names of the tables by the `id` of the tree's `exp.Table` nodes.
    """
    found = []
    for table in tree.find_all(exp.Table):
        if name := tables.get(id(table)):
            start, end = table.args["db"].meta["start"], table.this.meta["end"] + 1
            alias = "" if table.alias else text[table.this.meta["start"] : end]
            found.append(Place(start, end, name, alias))
    inputs = set(tables.values())
    for column in tree.find_all(exp.Column):
        schema, table_name = column.args.get("db"), column.args.get("table")
        if schema and table_name and not column.args.get("catalog"):
            name = f"{fold(schema, dialect)}.{fold(table_name, dialect)}"
            if name in inputs:
                start, end = table_name.meta["start"], table_name.meta["end"] + 1
                found.append(Place(schema.meta["start"], end, name, text[start:end], column=True))
    return sorted(found, key=lambda place: place.start)


def replaced(text: str, found: Sequence[Place], tables: Mapping[str, str]) -> str:
    """Return the text with other tables in the places found. `tables` has quoted names by `schema.table`.

    Two tables of the same name in different schemas get aliases that include the schema.
    """
    names = [TableName.parse(name).table for name in {place.table for place in found}]
    pieces, last = [], 0
    for place in found:
        alias = place.alias
        if alias and names.count(TableName.parse(place.table).table) > 1:
            alias = '"' + place.table.replace('"', '""') + '"'
        written = alias if place.column else f"{tables[place.table]} AS {alias}" if alias else tables[place.table]
        pieces += [text[last : place.start], written]
        last = place.end
    return "".join([*pieces, text[last:]])


def statement(text: str, dialect: str) -> str:
    """Return the text without the semicolons and the comments at its end."""
    tokens = Dialect.get_or_raise(dialect).tokenize(text)
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        tokens.pop()
    return text[: tokens[-1].end + 1] if tokens else ""


def _ctes_in_sight(table: exp.Table, dialect: str) -> set[str]:
    """Return the names of the CTEs that a table can refer to: all of a WITH, or those before the CTE that it is in."""
    names: set[str] = set()
    above = [table.parent]
    while above[-1] is not None:
        above.append(above[-1].parent)
    for node in above[:-1]:
        within = node.args.get("with_") if node else None
        if within is None:
            continue
        for cte in within.expressions:
            if not within.recursive and any(cte is one for one in above):
                break
            names.add(fold(cte.args["alias"].this, dialect))
    return names


def _sources_beside(table: exp.Table, dialect: str) -> set[str]:
    """Return the names or aliases of the other tables of the same SELECT."""
    select = table.find_ancestor(exp.Select)
    joined = [] if select is None else [select.args.get("from_"), *(select.args.get("joins") or [])]
    names = set()
    for source in (clause.this for clause in joined if clause is not None):
        if source is table:
            continue
        alias = source.args.get("alias")
        identifier = alias.this if alias else source.this
        if isinstance(identifier, exp.Identifier):
            names.add(fold(identifier, dialect))
    return names
