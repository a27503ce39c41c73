"""What a summary reads, parsed out of its SELECT by sqlglot; and all that is no SELECT of named tables is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from daybook.definitions.summary import Summary
from daybook.errors import TableFileError
from daybook.summaries.parse import table_names

_BRACED = re.compile(r"\{(\w+)\}")
_PLACEHOLDERS = ("start", "end")
_WRITES = (exp.DML, exp.DDL, exp.Merge, exp.Command)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A summary, what it reads (`schema.table`, sorted, as the catalogue spells it), and where its text says so."""

    summary: Summary
    dialect: str
    inputs: tuple[str, ...]
    tree: exp.Query
    places: tuple[table_names.Place, ...]
    by_others: frozenset[str] = frozenset()
    """The inputs that are loaded by another column than the one that chooses the rows of an interval."""

    @property
    def statement(self) -> str:
        """The text of its SELECT, without the semicolons and the comments at its end."""
        return table_names.statement(self.summary.sql, self.dialect)

    def statement_of(self, tables: Mapping[str, str]) -> str:
        """The same text with `tables` (quoted, by `schema.table`) in the places of those that it names."""
        return table_names.statement(table_names.replaced(self.summary.sql, self.places, tables), self.dialect)


def read(summary: Summary, dialect: str) -> Lineage:
    """What a summary reads, in one of sqlglot's dialects: `postgres` or `redshift`.

    Raises:
        TableFileError: it is not one SELECT that can be parsed; it writes or locks; it names a table without a schema,
            of another database, or itself; a placeholder that there is not; its own name is not one that the warehouse
            keeps. Each with file, line and what to do.
    """
    _check_name(summary, dialect)
    tree = _parsed(summary, _tokens(summary, dialect), dialect)
    _check_reads_only(summary, tree)
    tables = {id(table): _name(summary, table, dialect) for table in table_names.named_tables(tree, dialect)}
    inputs = tuple(sorted(set(tables.values())))
    return Lineage(summary, dialect, inputs, tree, tuple(table_names.places(tree, tables, summary.sql, dialect)))


def refused(summary: Summary, where: exp.Expr | Token | int | None, message: str) -> TableFileError:
    """The error for what is wrong at a place of a summary's text: an expression, a token, or a line."""
    line = where.line if isinstance(where, Token) else line_of(where) if isinstance(where, exp.Expr) else where
    return TableFileError(f"{file_of(summary)}{f', line {line}' if line else ''}: {message}")


def file_of(summary: Summary) -> str:
    """The file of a summary's SELECT, below tables/."""
    return f"{summary.schema_name}/{summary.table_name}.sql"


def line_of(node: exp.Expr) -> int | None:
    """The line, from 1, on which the first name within `node` stands."""
    lines = [line for name in node.find_all(exp.Identifier) if (line := name.meta.get("line"))]
    return min(lines, default=None)


def _check_name(summary: Summary, dialect: str) -> None:
    name = table_names.kept(summary.name, dialect)
    if name != summary.name:
        raise refused(summary, None, f"this warehouse keeps its name as {name}: name its folder and files so, too")


def _tokens(summary: Summary, dialect: str) -> list[Token]:
    """The words of the text, with NULL for `{start}` and `{end}`, which no parser knows."""
    if "\0" in summary.sql:
        line = summary.sql[: summary.sql.index("\0")].count("\n") + 1
        raise refused(summary, line, "there is a NUL character in it: save the file again, as text in UTF-8")
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(summary.sql)
    except SqlglotError:
        raise refused(summary, None, "a quote or a comment is opened, and never closed") from None
    kept, end = list[Token](), -1
    for token in tokens:
        if token.start < end:
            continue  # the rest of a placeholder
        if token.token_type == TokenType.L_BRACE:
            match = _BRACED.match(summary.sql, token.start)
            _check_placeholder(summary, token, match[1] if match else None)
            assert match is not None
            end = match.end()
            token = Token(TokenType.NULL, "NULL", token.line, token.col, token.start, end - 1)
        elif token.token_type == TokenType.R_BRACE:
            raise refused(summary, token, "a } without its {")
        elif summary.interval and any(f"{{{name}}}" in token.text for name in _PLACEHOLDERS):
            raise refused(
                summary, token, f"a placeholder in quotes: {token.text!r}. Write it without: it becomes a TIMESTAMP '…'"
            )
        kept.append(token)
    return kept


def _check_placeholder(summary: Summary, token: Token, name: str | None) -> None:
    if name not in _PLACEHOLDERS:
        said = f"{{{name}}} is no placeholder" if name else "a { that begins no placeholder"
        raise refused(summary, token, f"{said}; there are {{start}} and {{end}}, written just so")
    if summary.interval is None:
        raise refused(
            summary,
            token,
            f"{{{name}}} is for a summary that is built interval by interval: give interval: and cursor: in "
            f"{summary.table_name}.yaml, or take it out",
        )


def _parsed(summary: Summary, tokens: list[Token], dialect: str) -> exp.Query:
    first = next((token.text.upper() for token in tokens if token.token_type != TokenType.SEMICOLON), None)
    if first is None:
        raise refused(summary, None, "there is no SQL in it: write one SELECT")
    if first not in ("SELECT", "WITH", "("):
        raise refused(summary, None, f"it begins with {first}: a summary is one SELECT (or WITH … SELECT)")
    try:
        parsed = Dialect.get_or_raise(dialect).parser().parse(tokens, summary.sql)
    except SqlglotError as error:
        raise _unreadable(summary, error) from None
    except RecursionError:
        raise refused(summary, None, "brackets or operators are nested too deeply to be read") from None
    statements = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(statements) > 1:
        raise refused(
            summary,
            statements[1],
            f"there are {len(statements)} statements: keep one SELECT, and use WITH for its steps",
        )
    if not isinstance(statements[0], exp.Query):
        raise refused(summary, None, f"it is no SELECT, but {statements[0].key.upper()}: keep one SELECT")
    return statements[0]


def _unreadable(summary: Summary, error: SqlglotError) -> TableFileError:
    details = getattr(error, "errors", None)
    if not details:
        return refused(summary, None, f"it cannot be read as SQL: {' '.join(str(error).split())}")
    first = details[0]
    near = " ".join(f"{first['start_context'][-30:]}{first['highlight']}{first['end_context'][:30]}".split())
    return refused(
        summary,
        first["line"],
        f"it cannot be read as SQL at {first['highlight']!r}, in …{near}…: look for a comma, a bracket or a keyword "
        "that is missing or too many, just before",
    )


def _check_reads_only(summary: Summary, tree: exp.Query) -> None:
    node = tree.find(*_WRITES, exp.Into, exp.Lock)
    if isinstance(node, exp.Into):
        raise refused(summary, node, "SELECT … INTO makes a table: leave INTO out, the build makes the table")
    if isinstance(node, exp.Lock):
        raise refused(summary, node.parent, "FOR UPDATE or FOR SHARE locks rows of its inputs: leave it out")
    if node is not None:
        raise refused(summary, node, f"{node.key.upper()} within it: a summary only reads. Keep the SELECT alone")


def _name(summary: Summary, table: exp.Table, dialect: str) -> str:
    """The table as `schema.table`, where it may be read."""
    parts = [table_names.fold(part, dialect) for part in table.parts if isinstance(part, exp.Identifier)]
    if len(parts) == 1:
        raise refused(
            summary,
            table,
            f"{table.name} is named without its schema, and no WITH makes it: write, for example, raw_data.{parts[0]}",
        )
    if len(parts) > 2 or table.args.get("catalog"):
        raise refused(
            summary,
            table,
            f"{'.'.join(parts)} is in another database, or has a dot too many: write schema.table, of the warehouse",
        )
    name = ".".join(parts)
    if name == summary.name:
        raise refused(
            summary,
            table,
            "it reads itself. Read its inputs instead, or give it `lookback:` where rows need days before",
        )
    return name
