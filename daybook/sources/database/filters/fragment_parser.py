"""Read `where:` and `query:` of a table file in the source's dialect. Refuse all but one condition, and one SELECT.

The source gets the text as it is, without comments. sqlglot only reads it: SQL that sqlglot wrote could differ.
"""

from collections.abc import Callable
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.tokens import TokenType

from daybook.sources.database.filters.fragment import Fragment, Refused, position
from daybook.sources.database.filters.tokens import Split, split

#: sqlglot's names of the dialects of sources.
DIALECTS = ("mysql", "postgres")
#: A table file does not say which database a block has. Until it is opened, SQL that one of these reads is accepted.
Parse = Callable[[str, str], Fragment]

_BEFORE = "SELECT 1 FROM t WHERE (\n"
#: Columns of the same length as the placeholders, so that positions stay, with names that no table has.
_BOUNDS = {"{start}": "ǁstartǁ", "{end}": "ǁendǁ"}
_STATEMENTS = (
    *(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Command),
    *(exp.Copy, exp.Set, exp.Use, exp.Transaction, exp.Commit, exp.Rollback, exp.Into, exp.Lock),
)
#: The parts of a SELECT that choose rows, by sqlglot's names.
_CHOOSING = frozenset({"where", "having", "qualify", "joins", "from", "from_", "with", "with_", "laterals"})


def parse_where(text: str, dialect: str) -> Fragment:
    """Return the condition of `where:`.

    Raises:
        Refused: it is not one condition.
    """
    found = split(text, dialect, placeholders=False)
    if found.tokens[0].token_type == TokenType.WHERE:
        raise Refused("line 1, column 1: leave out the word WHERE: the field has the condition alone")
    (statement,) = _parsed(f"{_BEFORE}{_blanked(found)}\n)", text, dialect, len(_BEFORE))
    where = statement.args.get("where") if isinstance(statement, exp.Select) else None
    paren = where.this if where else None
    if not isinstance(paren, exp.Paren) or isinstance(paren.this, exp.Alias | exp.Star | exp.Query):
        raise Refused("expected one condition that is true for the rows to load, such as country = 'DE'")
    _check_tree(statement)
    return Fragment(found.parts(), paren.this.find(exp.Query) is not None)


def parse_query(text: str, dialect: str) -> Fragment:
    """Return the SELECT of `query:`.

    Raises:
        Refused: it is not one SELECT, or an expression that it returns has no name.
    """
    found = split(text, dialect, placeholders=True)
    if found.tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
        raise Refused(f"expected SELECT … or WITH … SELECT …, and this begins with {found.tokens[0].text.upper()}")
    (statement,) = _parsed(_blanked(found), text, dialect, 0)
    if not isinstance(statement, exp.Query):
        raise Refused(f"expected one SELECT, and this is {_kind(statement)}: write SELECT … or WITH … SELECT …")
    _check_tree(statement)
    for bound in statement.find_all(exp.Column):
        if not bound.table and bound.name in _BOUNDS.values():
            _check_bound(bound)
    if not statement.selects:
        raise Refused("it returns no column: name the columns after SELECT")
    for number, column in enumerate(statement.selects, 1):
        if not isinstance(column, exp.Alias | exp.Column | exp.Star):
            raise Refused(
                f"the expression number {number} that it returns, {column.sql(dialect)!r:.60}, has no name: add AS name"
            )
    return Fragment(found.parts(), True)


def check(text: str, parse: Parse) -> str:
    """Return `text` if it can be read in the dialect of any source.

    Raises:
        Refused: it cannot. The message is that of MySQL's dialect if the text has its quotes, else of PostgreSQL's.
    """
    problems = dict[str, Refused]()
    for dialect in DIALECTS:
        try:
            parse(text, dialect)
        except Refused as problem:
            problems[dialect] = problem
        else:
            return text
    raise problems["mysql" if "`" in text else "postgres"]


def _blanked(found: Split) -> str:
    """Return the text with blanks for its comments and columns for its placeholders. All positions stay."""
    text = list(found.text)
    for start, end in found.comments:
        text[start:end] = [character if character == "\n" else " " for character in text[start:end]]
    for start, end in found.placeholders:
        text[start:end] = _BOUNDS[found.text[start:end]]
    return "".join(text)


def _parsed(sql: str, text: str, dialect: str, skipped: int) -> list[Any]:
    """Return the statements in `sql`, in which `text` begins after `skipped` characters."""
    try:
        return [one for one in sqlglot.parse(sql, dialect) if one is not None]
    except RecursionError:
        raise Refused("its parentheses or operators are nested too deeply: make it simpler") from None
    except ParseError as error:
        first: dict[str, Any] = error.errors[0] if error.errors else {}
        offset = _offset(sql, first) - skipped
        where = f"{position(text, min(max(offset, 0), len(text)))}: " if first else ""
        what = first.get("description") or str(error).splitlines()[0]
        what = "something is missing here" if what.startswith("Required keyword") else what
        raise Refused(f"{where}it is not SQL of {_database(dialect)} ({what}): correct it") from None


def _offset(sql: str, problem: dict[str, Any]) -> int:
    """Return the start of the token that sqlglot complains about. Its `col` is the token's last column."""
    lines = sql.split("\n")[: problem["line"] - 1]
    return sum(len(line) + 1 for line in lines) + problem["col"] - len(problem.get("highlight") or " ")


def _database(dialect: str) -> str:
    return {"mysql": "MySQL", "postgres": "PostgreSQL"}[dialect]


def _kind(statement: Any) -> str:
    name = statement.name if isinstance(statement, exp.Command) else statement.key
    return f"{name.upper()} …"


def _check_tree(statement: Any) -> None:
    for found in statement.find_all(*_STATEMENTS):
        raise Refused(f"{_kind(found)} is not allowed: write a SELECT that only reads")
    for found in statement.find_all(exp.Placeholder, exp.Parameter, exp.SessionParameter):
        if found.name or not isinstance(found, exp.Placeholder):
            raise Refused(f"{found.sql()!r} is a parameter that nothing fills: write the value itself")


def _check_bound(bound: Any) -> None:
    """Check that a placeholder only chooses rows. A statement may read many intervals, whose rows must not differ."""
    node: Any = bound
    while node.parent is not None:
        if isinstance(node.parent, exp.Select) and node.arg_key not in _CHOOSING:
            name = "{start}" if bound.name == _BOUNDS["{start}"] else "{end}"
            raise Refused(
                f"{name} may only limit rows, in WHERE, ON or HAVING, because one statement may read many intervals. "
                "Write the expression of the cursor instead, such as DATE(created_at) AS day"
            )
        node = node.parent
