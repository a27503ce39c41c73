"""The row hash in SQLite. Python provides SHA-256 and sums of large numbers."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable

from daybook.sql.checksum.columns import ComparedColumns, Field

SESSION: tuple[str, ...] = ()
FENCE = ""
TOO_LONG = "are too long for SQLite to compare"


class _Sum:
    """A sum as text, for numbers with which SQLite's own sum would overflow."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, number: int) -> None:
        self.total += number

    def finalize(self) -> str:
        return str(self.total)


def prepare(connection: sqlite3.Connection) -> None:
    """Add the functions for the hashes to a connection."""
    connection.create_function("digest", 1, lambda text: None if text is None else _hex(text, 32))
    connection.create_function("number", 1, lambda text: int(_hex(text, 15), 16))
    connection.create_aggregate("sum", 1, _Sum)  # type: ignore[arg-type]


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def row_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the hash of a row."""
    return _number(recipe.fields, value)


def key_hash(recipe: ComparedColumns, value: Callable[[Field], str]) -> str:
    """Return the hash of a row's key, or of the whole row if there is no key."""
    return _number(recipe.key_fields, value)


def _number(fields: Iterable[Field], value: Callable[[Field], str]) -> str:
    return f"number({' || '.join(_part(field, value(field)) for field in fields)})"


def _part(field: Field, value: str) -> str:
    text = spelled(field, value)
    if field.digest:
        return f"'|' || coalesce(digest({text}), '')"
    length = f"length(CAST({text} AS blob)) || ':' || " if field.needs_length else ""
    return f"'|' || coalesce({length}{text}, '')"


def spelled(field: Field, value: str) -> str:
    """Return the SQL for the text of a field's value, before its length or digest. NULL stays NULL."""
    assert field.form in ("number", "text", "timestamp"), "not implemented in this test source"
    return f"CAST({value} AS text)"
