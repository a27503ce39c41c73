"""Convert SQL text to tokens, and back."""

import re

from tests.support.redshift_emulator.errors import syntax

TOKEN = re.compile(
    r"""(?P<ws>\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
|(?P<str>[eEnN]?'(?:[^'\\]|\\.|'')*')
|(?P<dol>\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$)
|(?P<qid>"(?:[^"]|"")*")
|(?P<id>\#?[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
|(?P<num>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
|(?P<par>\$\d+)
|(?P<op>::|<=|>=|<>|!=|\|\||.)""",
    re.X | re.S,
)


class Token:
    """One token: its `kind` (a group of TOKEN), its `text`, and `word`, the text with identifiers in upper case."""

    __slots__ = ("kind", "text", "word")

    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, text
        self.word = text.upper() if kind == "id" else text


def split_statements(sql: str) -> list[list[Token]]:
    """Return the tokens of each non-empty statement of `sql`. White space and comments are tokens, too."""
    statements: list[list[Token]] = [[]]
    for match in TOKEN.finditer(sql):
        kind = match.lastgroup or "op"
        token = Token("dol" if kind == "tag" else kind, match.group())
        if token.kind == "op" and token.text == ";":
            statements.append([])
        else:
            statements[-1].append(token)
    return [statement for statement in statements if any(t.kind != "ws" for t in statement)]


def shape(tokens: list[Token]) -> str:
    """Return the upper-cased tokens without the values of literals, for the rules of rejection."""
    placeholder = {"str": "?S", "dol": "?D", "num": "?N"}
    return " ".join(placeholder.get(t.kind) or t.word for t in tokens if t.kind != "ws")


def sql_text(tokens: list[Token]) -> str:
    """Return the tokens as SQL, separated by blanks."""
    return " ".join(t.text for t in tokens)


def literal_value(token: Token) -> str:
    """Return the value of a string literal. In Redshift, a backslash is an escape."""
    body = token.text[token.text.index("'") + 1 : -1].replace("''", "'")
    escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

    def unescape(match: re.Match[str]) -> str:
        return chr(int(match[1], 8)) if match[1][0] in "01234567" else escapes.get(match[1], match[1])

    return re.sub(r"\\([0-7]{1,3}|.)", unescape, body, flags=re.S)


def literal(value: object) -> str:
    """Return `value` as a string literal, for a session in which a backslash is an escape."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def _depth(token: Token) -> int:
    return {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "op" else 0


def group_end(tokens: list[Token], start: int) -> int:
    """Return the index after the parenthesized group that opens at `start`."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += _depth(tokens[i])
        if depth == 0:
            return i + 1
    raise syntax("end of input")


def split_commas(tokens: list[Token]) -> list[list[Token]]:
    """Split the tokens at the commas outside of parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += _depth(token)
        if token.kind == "op" and token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
