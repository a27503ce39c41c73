"""The number of a row in this engine."""

from collections.abc import Callable, Sequence
from typing import Any

from daybook.audit.recipe import Field, Recipe

#: Statements that the connection needs before the others.
SESSION: tuple[str, ...] = ()


def row_hash(recipe: Recipe, value: Callable[[Field], str]) -> str:
    """The number of a row (a bigint, 0 to 2^60 - 1). `value` is the SQL of a field's value on this side."""
    raise NotImplementedError


def key_hash(recipe: Recipe, value: Callable[[Field], str]) -> str:
    """The number of a row's key; of the whole row where there is no key."""
    raise NotImplementedError


def spelled(field: Field, value: str) -> str:
    """The text of a field's value, before its length or digest; NULL of NULL. It also shows a key to a person."""
    raise NotImplementedError


def sent(field: Field, name: str, described: Sequence[Any], mask: str | None, zero_dates: str) -> str:
    """The value of a column as the loader sends it.

    `name` is quoted, `described` the column's row of mysql_types.DESCRIBED, `zero_dates` as in the table file.
    """
    raise NotImplementedError
