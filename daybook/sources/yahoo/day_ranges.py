"""The days of a load: one range, or several with gaps between them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daybook.sources.yahoo.client import Prices

#: Ranges of days, in order, each with its exclusive end.
Days = Sequence[tuple[date, date]]


def within(found: "Prices", days: Days) -> "Prices":
    """Remove the prices and the events between these ranges: Yahoo sends all from the first day to the last."""
    if len(days) == 1:
        return found
    rows = [price for price in found.rows if _has(days, price.day)]
    return replace(found, rows=rows, events={day: word for day, word in found.events.items() if _has(days, day)})


def _has(days: Days, day: date) -> bool:
    return any(start <= day < end for start, end in days)
