"""What a value of the warehouse is in a cell: a number, true or false, or a text, and never a formula.

A sheet's numbers are doubles of which it shows 15 digits: a number that has more is written as a text, whole.
"""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

_DIGITS = 15
MAX_CELL = 50_000  # characters

Cell = str | int | float | bool | None


def cell_of(value: Any) -> Cell:
    """The cell for a value as the warehouse's driver returns it; None is an empty one.

    Dates and times are ISO texts: as numbers they would need a format, and the sheet's are left alone.

    Raises:
        ValueError: it is too long for a cell.
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
    """The cell as the API's CellData: its kind is said, so that nothing is read into a text."""
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
    if isinstance(value, memoryview | bytes):
        return "\\x" + bytes(value).hex()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
