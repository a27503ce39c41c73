"""Convert a value of the warehouse into a cell: a number, a boolean or a text. Never a formula.

The numbers of a sheet are doubles, and it shows 15 digits. A number with more digits is written as text, in full.
"""

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_DIGITS = 15
MAX_CELL = 50_000  # characters

Cell = str | int | float | bool | None


def cell_of(value: Any) -> Cell:
    """Return the cell for a value from the warehouse's driver. None is an empty cell.

    Dates and times become ISO texts: as numbers they would need a cell format, and Daybook does not change formats.

    Raises:
        ValueError: the value is too long for a cell.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        return _number(value)
    text = _text(value)
    if len(text) > MAX_CELL:
        raise ValueError(f"it has {len(text):,} characters, and a cell holds {MAX_CELL:,}")
    return text


def sent(cell: Cell) -> dict[str, Any]:
    """Return the cell as the API's CellData. It has an explicit kind, so Google does not interpret texts."""
    if cell is None:
        return {}
    kind = "boolValue" if isinstance(cell, bool) else "stringValue" if isinstance(cell, str) else "numberValue"
    return {"userEnteredValue": {kind: cell}}


def _number(value: int | float | Decimal) -> Cell:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    number = Decimal(value)
    if not number.is_finite():
        return str(value)
    if len(number.normalize().as_tuple().digits) > _DIGITS or abs(number.adjusted()) > 300:
        return format(number, "f")
    return int(number) if number == number.to_integral_value() else float(number)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, memoryview | bytes):
        return "\\x" + bytes(value).hex()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _duration(value: timedelta) -> str:
    """Return hours, minutes and seconds, as SQL writes them: -838:59:59. Python's text has another sign and days."""
    seconds, rest = divmod(abs(value), timedelta(seconds=1))
    fraction = f".{rest.microseconds:06}".rstrip("0") if rest else ""
    sign = "-" if value < timedelta() else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"
