"""Parse a summary's SELECT with sqlglot, and find the tables that it reads. Everything but one SELECT is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from daybook.definitions.summary import Summary
from daybook.definitions.targets.project_target import file_stem
from daybook.errors import TableFileError
from daybook.summaries.parse import table_names

_BRACED = re.compile(r"\{(\w+)\}")
_PLACEHOLDERS = ("start", "end")
_WRITES = (exp.DML, exp.DDL, exp.Merge, exp.Command)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A summary and its inputs: `schema.table`, sorted, as in the catalog. `places` are their positions in the text."""

    summary: Summary
    dialect: str
    inputs: tuple[str, ...]
    tree: exp.Query
    places: tuple[table_names.Place, ...]
    by_others: frozenset[str] = frozenset()
    """The inputs that the SELECT does not filter by their cursor, in at least one of the places that read them."""
    without_nulls: frozenset[str] = frozenset()
    """The inputs whose rows without a cursor the SELECT never reads."""
    clocks: Mapping[str, str] = field(default_factory=dict)
    """The time zones of the inputs whose cursor has no zone, where it is not the zone of the summary."""

    @property
    def statement(self) -> str:
        """Return the text of the SELECT, without the semicolons and the comments at its end."""
        return table_names.statement(self.summary.sql, self.dialect)

    def statement_of(self, tables: Mapping[str, str]) -> str:
        """Return the text with other tables in place of its inputs: `tables` has quoted names by `schema.table`."""
        return table_names.statement(table_names.replaced(self.summary.sql, self.places, tables), self.dialect)


def read(summary: Summary, dialect: str) -> Lineage:
    """Return what a summary reads. `dialect` is one of sqlglot's dialects: `postgres` or `redshift`.

    Raises:
        TableFileError: it is not one SELECT that can be parsed, or it writes or locks. It reads a table without a
            schema, of another database, or itself. It has an unknown placeholder. The warehouse stores its name in
            another spelling. Each error has the file, the line and what to do.
    """
    _check_name(summary, dialect)
    tree = _parsed(summary, _tokens(summary, dialect), dialect)
    _check_reads_only(summary, tree)
    tables = {id(table): _name(summary, table, dialect) for table in table_names.named_tables(tree, dialect)}
    inputs = tuple(sorted(set(tables.values())))
    return Lineage(summary, dialect, inputs, tree, tuple(table_names.places(tree, tables, summary.sql, dialect)))


def refused(summary: Summary, where: exp.Expr | Token | int | None, message: str) -> TableFileError:
    """Return the error about a place in a summary's text: an expression, a token, or a line."""
    line = where.line if isinstance(where, Token) else line_of(where) if isinstance(where, exp.Expr) else where
    return TableFileError(f"{file_of(summary)}{f', line {line}' if line else ''}: {message}")


def file_of(summary: Summary) -> str:
    """Return the path of the summary's SELECT, relative to tables/."""
    return f"{file_stem(summary.name)}.sql"


def line_of(node: exp.Expr) -> int | None:
    """Return the line of the first name in `node`, from 1, or None if it has no name."""
    lines = [line for name in node.find_all(exp.Identifier) if (line := name.meta.get("line"))]
    return min(lines, default=None)


def _check_name(summary: Summary, dialect: str) -> None:
    name = table_names.kept(summary.name, dialect)
    if name != summary.name:
        raise refused(summary, None, f"this warehouse stores its name as {name}: rename its folder and files to that")


def _tokens(summary: Summary, dialect: str) -> list[Token]:
    """Return the tokens of the text, with NULL in place of `{start}` and `{end}`, which no parser accepts."""
    if "\0" in summary.sql:
        line = summary.sql[: summary.sql.index("\0")].count("\n") + 1
        raise refused(summary, line, "it contains a NUL character: save the file again, as text in UTF-8")
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(summary.sql)
    except SqlglotError:
        raise refused(summary, None, "a quote or a comment is not closed: add its end") from None
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
            raise refused(summary, token, "a } without a {: remove it, or write {start} or {end}")
        elif summary.interval and any(f"{{{name}}}" in token.text for name in _PLACEHOLDERS):
            raise refused(
                summary, token, f"a placeholder in quotes: {token.text!r}. Remove the quotes: it becomes TIMESTAMP '…'"
            )
        kept.append(token)
    return kept


def _check_placeholder(summary: Summary, token: Token, name: str | None) -> None:
    if name not in _PLACEHOLDERS:
        problem = f"{{{name}}} is not a placeholder" if name else "a { that does not begin a placeholder"
        raise refused(summary, token, f"{problem}: write {{start}} or {{end}}, without spaces")
    if summary.interval is None:
        raise refused(
            summary,
            token,
            f"{{{name}}} needs a summary that is built by intervals: add interval: and cursor: to "
            f"{summary.table_name}.yaml, or remove {{{name}}}",
        )


def _parsed(summary: Summary, tokens: list[Token], dialect: str) -> exp.Query:
    first = next((token.text.upper() for token in tokens if token.token_type != TokenType.SEMICOLON), None)
    if first is None:
        raise refused(summary, None, "it has no SQL: write one SELECT")
    if first not in ("SELECT", "WITH", "("):
        raise refused(summary, None, f"it begins with {first}, but a summary is one SELECT: begin with SELECT or WITH")
    try:
        parsed = Dialect.get_or_raise(dialect).parser().parse(tokens, summary.sql)
    except SqlglotError as error:
        raise _unreadable(summary, error) from None
    except RecursionError:
        raise refused(summary, None, "brackets or operators are nested too deeply: simplify it with WITH") from None
    statements = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(statements) > 1:
        raise refused(
            summary,
            statements[1],
            f"it has {len(statements)} statements: keep one SELECT, and use WITH for intermediate steps",
        )
    if not isinstance(statements[0], exp.Query):
        raise refused(summary, None, f"it is not a SELECT but {statements[0].key.upper()}: write one SELECT")
    return statements[0]


def _unreadable(summary: Summary, error: SqlglotError) -> TableFileError:
    details = getattr(error, "errors", None)
    if not details:
        return refused(summary, None, f"it cannot be parsed as SQL: {' '.join(str(error).split())}")
    first = details[0]
    near = " ".join(f"{first['start_context'][-30:]}{first['highlight']}{first['end_context'][:30]}".split())
    return refused(
        summary,
        first["line"],
        f"it cannot be parsed as SQL at {first['highlight']!r}, in …{near}…: look just before it for a comma, a "
        "bracket or a keyword that is missing or repeated",
    )


def _check_reads_only(summary: Summary, tree: exp.Query) -> None:
    node = tree.find(*_WRITES, exp.Into, exp.Lock)
    if isinstance(node, exp.Into):
        raise refused(summary, node, "SELECT … INTO creates a table: remove INTO, because the build creates the table")
    if isinstance(node, exp.Lock):
        raise refused(summary, node.parent, "FOR UPDATE or FOR SHARE locks rows of its inputs: remove it")
    if node is not None:
        raise refused(summary, node, f"it contains {node.key.upper()}, but a summary only reads: keep only the SELECT")


def _name(summary: Summary, table: exp.Table, dialect: str) -> str:
    """Return the table as `schema.table`, or refuse it if a summary cannot read it."""
    parts = [table_names.fold(part, dialect) for part in table.parts if isinstance(part, exp.Identifier)]
    if len(parts) == 1:
        raise refused(
            summary,
            table,
            f"{table.name} has no schema and is not defined by WITH: add the schema, for example raw_data.{parts[0]}",
        )
    if len(parts) > 2 or table.args.get("catalog"):
        raise refused(
            summary,
            table,
            f"{'.'.join(parts)} is in another database, or has too many dots: write schema.table of the warehouse",
        )
    name = ".".join(parts)
    if name == summary.name:
        raise refused(
            summary,
            table,
            "it reads itself. Read its inputs instead, or add `lookback:` if rows need earlier days",
        )
    return name
