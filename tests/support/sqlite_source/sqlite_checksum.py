"""The number of a row in SQLite, which gets its MD5 and its long sums from Python."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable

from daybook.sql.checksum.columns import ComparedColumns, Field

SESSION: tuple[str, ...] = ()
FENCE = ""
TOO_LONG = "are too long for SQLite to compare"


class _Sum:
    """A sum of numbers that SQLite's own overflows with, as a text."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, number: int) -> None:
        self.total += number

    def finalize(self) -> str:
        return str(self.total)


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the hashes are made of."""
    connection.create_function("md5", 1, lambda text: None if text is None else hashlib.md5(text.encode()).hexdigest())
    connection.create_function("number", 1, lambda text: int(hashlib.md5(text.encode()).hexdigest()[:15], 16))
    connection.create_aggregate("sum", 1, _Sum)  # type: ignore[arg-type]


def row_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the number of a row."""
    return _number(recipe.fields, value)


def key_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the number of a row's key; of the whole row where there is no key."""
    return _number(recipe.key_fields, value)


def _number(fields: Iterable[Field], value: Callable[[Field], str]) -> str:
    return f"number({' || '.join(_part(field, value(field)) for field in fields)})"


def _part(field: Field, value: str) -> str:
    text = spelled(field, value)
    if field.digest:
        return f"'|' || coalesce(md5({text}), '')"
    length = f"length(CAST({text} AS blob)) || ':' || " if field.needs_length else ""
    return f"'|' || coalesce({length}{text}, '')"


def spelled(field: Field, value: str) -> str:
    """Return the text of a field's value, before its length or digest; NULL of NULL."""
    assert field.form in ("number", "text", "timestamp"), "a toy"
    return f"CAST({value} AS text)"
