"""Translate the declared types of SQLite to those of Daybook."""

from daybook.model.types import Type, parse_type

_KINDS = {"integer": "bigint", "real": "double", "datetime": "timestamp"}


def type_of(declared: str) -> Type:
    """Return the type of a column, or text if Daybook does not know the type."""
    try:
        return parse_type(_KINDS.get(declared.lower(), declared))
    except ValueError:
        return Type("text")
