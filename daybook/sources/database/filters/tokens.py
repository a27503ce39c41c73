"""Split a condition or a SELECT into tokens, and refuse what could end it early or be more than it seems.

The text between two tokens is blank or a comment. Comments are left out of what the source gets, so that none of them
can hide a part of the statement.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from daybook.sources.database.filters.forbidden import is_forbidden
from daybook.sources.database.filters.fragment import PLACEHOLDERS, Refused, position

_QUOTED = re.compile(r"\{(start|end)\}")
_STRINGS = frozenset({TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.BYTE_STRING, TokenType.HEREDOC_STRING})
_LOCKS = frozenset({"UPDATE", "SHARE", "NO", "KEY"})


@dataclass(frozen=True, slots=True)
class Split:
    """The tokens of a text."""

    text: str
    tokens: Sequence[Token]
    placeholders: Sequence[tuple[int, int]]
    """The offsets of the placeholders: from, until."""
    comments: Sequence[tuple[int, int]]
    """The offsets of the comments: from, until."""

    def without_comments(self, placeholder: Any) -> str:
        """Return the text with a blank for each comment, and `placeholder(name)` for each placeholder."""
        pieces, last = [], 0
        for start, end, made in sorted(
            [(start, end, " ") for start, end in self.comments]
            + [(start, end, placeholder(self.text[start:end])) for start, end in self.placeholders]
        ):
            pieces += [self.text[last:start], made]
            last = end
        return "".join([*pieces, self.text[last:]]).strip()

    def parts(self) -> tuple[str, ...]:
        """Return the text without comments between the placeholders, and the placeholders: see `Fragment.parts`."""
        mark = "\x00"
        return tuple(self.without_comments(lambda name: f"{mark}{name}{mark}").split(mark))


def split(text: str, dialect: str, *, placeholders: bool) -> Split:
    """Return the tokens of a text, which is a condition, or with `placeholders` a SELECT.

    Raises:
        Refused: it is empty, has a quote or a parenthesis that does not close, more than one statement, a comment that
            the server executes, a parameter, a lock, INTO, or a function that no query may call.
    """
    if "\x00" in text or not text.strip():
        raise Refused("it is empty: write SQL, or remove the field")
    try:
        tokens = list(Dialect.get_or_raise(dialect).tokenize(text))
    except TokenError as error:
        raise Refused(f"a quote or a comment is not closed ({str(error).splitlines()[0]}): close it") from None
    comments = list(_comments(text, tokens, dialect))
    if placeholders and tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        comments = sorted([*comments, (tokens[-1].start, tokens[-1].end + 1)])
        tokens = tokens[:-1]
    if not tokens:
        raise Refused("it is empty: write SQL, or remove the field")
    _check_parentheses(text, tokens)
    found = list(_placeholders(text, tokens, placeholders))
    _check_words(text, tokens, dialect)
    return Split(text, tokens, found, comments)


def _comments(text: str, tokens: Sequence[Token], dialect: str) -> Iterator[tuple[int, int]]:
    ends = [0, *(token.end + 1 for token in tokens)]
    for start, end in zip(ends, [*(token.start for token in tokens), len(text)], strict=True):
        between = text[start:end]
        if not between.strip():
            continue
        at = start + len(between) - len(between.lstrip())
        if dialect == "mysql" and re.search(r"/\*M?!", between):
            raise Refused(f"{position(text, at)}: the server executes a comment of this kind: remove it")
        if "/*" in between and "*/" not in between[between.rindex("/*") :]:
            raise Refused(f"{position(text, at)}: a comment is not closed: close it")
        if between.count("/*") > 1 and re.search(r"/\*((?!\*/).)*/\*", between, re.DOTALL):
            raise Refused(f"{position(text, at)}: a comment is inside of another: remove one of them")
        yield start, end


def _check_parentheses(text: str, tokens: Sequence[Token]) -> None:
    opened: list[Token] = []
    for token in tokens:
        if token.token_type == TokenType.L_PAREN:
            opened.append(token)
        elif token.token_type == TokenType.R_PAREN:
            if not opened:
                raise Refused(f"{position(text, token.start)}: this ) closes no parenthesis: remove it, or open one")
            opened.pop()
    if opened:
        raise Refused(f"{position(text, opened[-1].start)}: this ( is not closed: close it, or remove it")


def _placeholders(text: str, tokens: Sequence[Token], allowed: bool) -> Iterator[tuple[int, int]]:
    for token in tokens:
        if token.token_type in _STRINGS and (quoted := _QUOTED.search(text, token.start, token.end + 1)):
            raise Refused(
                f"{position(text, token.start)}: {quoted[0]} is inside of quotes: write it without them, because "
                "Daybook puts a literal there"
            )
        if token.token_type != TokenType.L_BRACE:
            continue
        end = text.find("}", token.start) + 1
        if text[token.start : end] not in PLACEHOLDERS:
            raise Refused(
                f"{position(text, token.start)}: expected {' or '.join(PLACEHOLDERS)}, the bounds of the interval; "
                "no other braces are allowed outside of quotes"
            )
        if not allowed:
            raise Refused(
                f"{position(text, token.start)}: only query: has {' and '.join(PLACEHOLDERS)}. Daybook already limits "
                "the rows to the interval by the cursor: remove the comparison"
            )
        yield token.start, end


def _check_words(text: str, tokens: Sequence[Token], dialect: str) -> None:
    nothing = tokens[-1]
    for token, following in zip(tokens, [*tokens[1:], nothing], strict=True):
        kind, where = token.token_type, position(text, token.start)
        if kind == TokenType.SEMICOLON:
            raise Refused(f"{where}: a second statement begins here: write one statement only, without ;")
        if kind == TokenType.INTO:
            raise Refused(f"{where}: INTO writes: remove it, Daybook writes the rows itself")
        if kind == TokenType.HINT:
            raise Refused(f"{where}: optimizer hints are not supported: remove it")
        if kind == TokenType.FOR and following.text.upper() in _LOCKS and following is not token:
            raise Refused(f"{where}: it locks rows: remove FOR {following.text.upper()}")
        parameter = kind == TokenType.PARAMETER or (kind == TokenType.PLACEHOLDER and dialect == "mysql")
        if parameter or kind == TokenType.SESSION_PARAMETER:
            raise Refused(f"{where}: there is no variable or parameter to read here: write the value itself")
        called = following.token_type == TokenType.L_PAREN and following is not token
        if called and is_forbidden(token.text):
            raise Refused(f"{where}: {token.text}() waits, writes or acts outside of the query: remove it")
