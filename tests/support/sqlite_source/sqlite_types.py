"""What SQLite's declared types are in Daybook's words."""

from daybook.model.types import Type, parse_type

_KINDS = {"integer": "bigint", "real": "double", "datetime": "timestamp"}


def type_of(declared: str) -> Type:
    """Return the type of a column; a text where Daybook has no name for it."""
    try:
        return parse_type(_KINDS.get(declared.lower(), declared))
    except ValueError:
        return Type("text")
