"""Put the schemas of a target into SQL. Everything else in the text stays as it is, including its lines."""

from collections.abc import Callable, Collection
from functools import lru_cache

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from daybook.warehouses.registry import find_warehouse, warehouse_dialects

_LITERALS = {TokenType.STRING, TokenType.NUMBER, TokenType.NATIONAL_STRING, TokenType.RAW_STRING}


def in_schemas(sql: str, tables: Collection[str], schema_of: Callable[[str], str]) -> str:
    """Return `sql` with the schemas of a target in the names of `tables`.

    A table of another schema, such as one that no file of the project defines, keeps its name. Text that cannot be
    divided into tokens is returned unchanged: whoever parses it reports the reason.

    Args:
        sql: the text. It may have placeholders such as {start} and {table}.
        tables: the names of the tables in their files, `schema.table`.
        schema_of: returns the target's schema for the schema of a file.
    """
    try:
        tokens = Dialect.get_or_raise(_dialect()).tokenize(sql)
    except SqlglotError:
        return sql
    pieces, last = list[str](), 0
    for place in range(len(tokens) - 2):
        schema, dot, table = tokens[place : place + 3]
        if dot.token_type != TokenType.DOT or (place and tokens[place - 1].token_type == TokenType.DOT):
            continue
        if {schema.token_type, table.token_type} & _LITERALS:
            continue
        found = _known(schema, table, tables)
        if found is None:
            continue
        quote = '"' if schema.token_type == TokenType.IDENTIFIER else ""
        pieces += [sql[last : schema.start], f"{quote}{schema_of(found)}{quote}"]
        last = schema.end + 1
    return "".join([*pieces, sql[last:]])


def _known(schema: Token, table: Token, tables: Collection[str]) -> str | None:
    """Return the schema as its folder spells it, or None if these two tokens name no table of the project."""
    exact = ".".join(
        token.text if token.token_type == TokenType.IDENTIFIER else token.text.lower() for token in (schema, table)
    )
    # Some warehouses fold quoted names, too. A dev run that read prod's table instead would go unnoticed.
    name = exact if exact in tables else exact.lower()
    return name.partition(".")[0] if name in tables else None


@lru_cache(maxsize=1)
def _dialect() -> str:
    """Return the dialect of a warehouse. Files are read before one is opened, and all of them have the same tokens."""
    found = (getattr(find_warehouse(name), "sqlglot_dialect", None) for name in warehouse_dialects())
    return next((one for one in found if isinstance(one, str)), "")
