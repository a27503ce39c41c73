"""Where Redshift keeps a table's rows: the distribution style, the sort key and the encodings that DDL declares.

One node has nothing to distribute, so the emulator only remembers them (`layouts.sql`), shows them in the catalog's
views, and refuses what Redshift refuses because of them.
"""

import json
import re
from dataclasses import dataclass, field

from tests.support.redshift_emulator.actions import Action
from tests.support.redshift_emulator.errors import RedshiftError, syntax
from tests.support.redshift_emulator.lexer import Token, group_end, literal, shape, split_commas

# A SELECT whose keys CREATE TABLE AS inherits: "a simple select operation from a single table, without a limit clause,
# order by clause, or group by clause" (r_CTAS_usage_notes.html).
SIMPLE_SELECT = re.compile(
    r"^SELECT (?!DISTINCT\b)(?:(?!\bSELECT\b|\bFROM\b).)+ FROM (\S+(?: \. \S+)?)(?: WHERE (?:(?!\bSELECT\b).)+)?$"
)
NOT_SIMPLE = re.compile(
    r"\b(?:LIMIT|ORDER BY|GROUP BY|UNION|EXCEPT|INTERSECT|JOIN|HAVING|QUALIFY|COUNT \(|SUM \(|MIN \(|MAX \(|AVG \()"
)


@dataclass
class Layout:
    """The layout that a CREATE TABLE declares, in the catalog's spelling: see `redshift_standin.create_layout`."""

    diststyle: str | None = None
    distkey: str | None = None
    sort: str | None = None
    sortkey: list[str] = field(default_factory=list)
    encode: dict[str, str] = field(default_factory=dict)
    like: str | None = None  # the table that LIKE names, or that a simple CREATE TABLE AS reads

    def column_option(self, column: str, tokens: list[Token], i: int) -> int:
        """Read the column's option at `i`: ENCODE, DISTKEY or SORTKEY. Return the index after it."""
        word = tokens[i].word
        if word == "ENCODE":
            self.encode[column] = tokens[i + 1].text.lower()
            return i + 2
        if word == "DISTKEY":
            self._distribute(column)
        else:
            self.sort, self.sortkey = "compound", [column]
        return i + 1

    def table_option(self, tokens: list[Token], i: int) -> int:
        """Read the table's option at `i`: BACKUP, DISTSTYLE, SORTKEY and the like. Return the index after it."""
        word, after = tokens[i].word, tokens[i + 1].word if i + 1 < len(tokens) else ""
        if word in ("BACKUP", "ENCODE") and after in ("YES", "NO", "AUTO"):
            return i + 2
        if word == "DISTSTYLE" and after in ("AUTO", "EVEN", "ALL", "KEY"):
            self.diststyle = after
            return i + 2
        if word == "DISTKEY" and after == "(":
            end = group_end(tokens, i + 1)
            self._distribute(name_of(tokens[i + 2]))
            return end
        if word == "SORTKEY" and after == "AUTO":
            self.sort = "auto"
            return i + 2
        kind = "compound"
        if word in ("COMPOUND", "INTERLEAVED"):
            kind, i = word.lower(), i + 1
        if tokens[i].word == "SORTKEY" and tokens[i + 1].text == "(":
            end = group_end(tokens, i + 1)
            self.sort, self.sortkey = kind, _names(tokens[i + 2 : end - 1])
            if kind == "interleaved" and len(self.sortkey) > 8:
                raise RedshiftError("54011", "tables can have at most 8 interleaved sortkey columns")
            return end
        raise syntax(tokens[i].text)

    def _distribute(self, column: str) -> None:
        if self.distkey is not None:
            raise RedshiftError("42P16", "multiple distribution keys are not allowed")
        self.distkey = column

    def read_select(self, tokens: list[Token]) -> None:
        """Note the table whose keys CREATE TABLE AS inherits, if the SELECT is simple."""
        form = shape(tokens)
        found = SIMPLE_SELECT.match(form)
        if found and not NOT_SIMPLE.search(form):
            start = len(form[: found.start(1)].split())
            significant = [token for token in tokens if token.kind != "ws"]
            self.like = "".join(token.text for token in significant[start : start + len(found[1].split())])

    def noted(self, table: str, tag: str) -> str:
        """Return the statement after which the trigger of the DDL `tag` applies this layout to `table`.

        Raises RedshiftError if the options contradict each other.
        """
        if self.distkey and self.diststyle not in (None, "KEY"):
            raise RedshiftError("42P16", f"cannot specify DISTKEY column of a table with DISTSTYLE {self.diststyle}")
        if self.diststyle == "KEY" and not self.distkey:
            raise RedshiftError("42P16", "DISTSTYLE KEY requires a DISTKEY column")
        spec = {"table": table, "tag": tag, **{name: value for name, value in vars(self).items() if value}}
        return f"SELECT set_config('redshift_standin.layout', {literal(json.dumps(spec))}, false)"


def alter_layout(table: str, rest: list[Token]) -> Action | None:
    """Return the action for an ALTER TABLE that changes the layout of `table`. None: it changes something else.

    `rest` are the tokens after the table's name. Combinations such as ALTER SORTKEY (a), ALTER DISTKEY b are allowed.
    """
    changes = [change for clause in split_commas(rest) for change in [_change(clause)]]
    if not any(changes):
        return None
    if not all(changes):
        raise syntax(",")
    call = "SELECT redshift_standin.alter_layout({}, {})"
    return Action(
        "noop",
        tag="ALTER TABLE",
        before=tuple(call.format(literal(table.replace(" ", "")), literal(json.dumps(change))) for change in changes),
    )


def _change(clause: list[Token]) -> dict[str, object] | None:
    words = [token.word for token in clause]
    match words:
        case ["ALTER", "ENCODE", "AUTO"]:
            return {"encode": {}}
        case ["ALTER", "DISTKEY", _] | ["ALTER", "DISTSTYLE", "KEY", "DISTKEY", _]:
            return {"diststyle": "KEY", "distkey": name_of(clause[-1])}
        case ["ALTER", "DISTSTYLE", "ALL" | "EVEN" | "AUTO"]:
            return {"diststyle": words[-1]}
        case ["ALTER", "SORTKEY", "AUTO" | "NONE"]:
            return {"sort": words[-1].lower()}
        case ["ALTER", "SORTKEY", "(", *_, ")"] | ["ALTER", "COMPOUND", "SORTKEY", "(", *_, ")"]:
            return {"sort": "compound", "sortkey": _names(clause[words.index("(") + 1 : -1])}
        case ["ALTER", *column, "ENCODE", _] if column[:1] == ["COLUMN"] or len(column) == 1:
            return {"encode": {name_of(clause[-3]): clause[-1].text.lower()}}
        case ["ALTER", "DISTKEY" | "DISTSTYLE" | "SORTKEY" | "COMPOUND" | "INTERLEAVED", *_]:
            raise syntax(clause[1].text)
    return None


def _names(tokens: list[Token]) -> list[str]:
    return [name_of(part[0]) for part in split_commas(tokens)]


def name_of(token: Token) -> str:
    """Return the name that a token spells, as the catalog keeps it."""
    return token.text[1:-1].replace('""', '"') if token.kind == "qid" else token.text.lower()
