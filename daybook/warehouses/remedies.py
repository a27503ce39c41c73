"""The remedies for values that a warehouse refuses."""

import re

_ZERO_DATE = re.compile(r"\d{4}-(00-\d\d|\d\d-00)")
_ZERO_DATES_REMEDY = "set zero_dates: null under source: in the table file to load them as NULL, or fix the value there"
_REMEDY = "Fix the value at the source, or declare another type for the column under columns: in the table file"


def remedy_for(value: str, column: str | None, kind: str | None, *, too_long: bool) -> str:
    """Return the remedy for a refused value.

    Args:
        value: the value as text, or "" if it is unknown.
        column: its column, if a load may shorten its values.
        kind: the kind of the column's type.
        too_long: True if the warehouse refused the value because it is too long.
    """
    if _ZERO_DATE.match(value):
        return f"{value} is one of MySQL's zero dates, which are not valid dates: {_ZERO_DATES_REMEDY}"
    if too_long and column and kind == "json":
        return (
            f"Declare {column} as jsonb under columns: in the table file, if the warehouse has longer values of that "
            f"type, or set too_long: {{{column}: null}} there to load NULL"
        )
    if too_long and column and kind == "native":
        return f"Fix the value at the source, or set too_long: {{{column}: null}} in the table file to load NULL"
    if too_long and column:
        return f"{_REMEDY}, or set too_long: {{{column}: truncate}} or {{{column}: null}} there"
    return _REMEDY
