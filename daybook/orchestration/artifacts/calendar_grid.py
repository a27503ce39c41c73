"""A calendar of intervals in Markdown: a sign for each interval. Signs differ in shape, not in color alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from daybook.ledger.interval_status import State
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid

S = TypeVar("S", bound=StrEnum)

#: The states of an interval, worst first. A square shows the worst state of its intervals. U+FE0F after a sign makes
#: it as wide as the others: the font of Prefect's pages has a narrow one of its own.
SQUARES = {State.FAILED: "❌", State.RUNNING: "🔷", State.MISSING: "⚪️", State.LOADED: "🟩"}
_NOTHING = "▫️"  # a place in a row outside of the range
_MAX_SQUARES = 2000  # a larger grid is unreadable


@dataclass(frozen=True, slots=True)
class _Layout:
    """The unit of a square, the row and the place of a local time, and the number of squares before each gap."""

    square: str
    row: Callable[[datetime], str]
    place: Callable[[datetime], int]
    gaps: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.gaps[-1]


_HOURS = _Layout("an hour", lambda t: f"{t:%Y-%m-%d}", lambda t: t.hour, (6, 12, 18, 24))
_DAYS = _Layout("a day", lambda t: f"{t:%Y-%m}", lambda t: t.day - 1, (10, 20, 31))
_WEEKS = _Layout("a week", lambda t: f"{t:%G}", lambda t: int(f"{t:%V}") - 1, (13, 26, 39, 53))
_MONTHS = _Layout("a month", lambda t: f"{t:%Y}", lambda t: t.month - 1, (3, 6, 9, 12))
_LAYOUTS = {"hour": (_HOURS, _DAYS, _MONTHS), "day": (_DAYS, _MONTHS), "week": (_WEEKS,)}
_LONG_UNITS = (_MONTHS,)  # a month, and any longer interval, is drawn in the month in which it starts


def calendar(grid: Grid, states: Iterable[tuple[Interval, S]], squares: Mapping[S, str]) -> str:
    """Return a Markdown table of the intervals (of `grid`, in order) and their states, on the grid's own clock.

    `squares` has a square for each possible state, the worst first and the good one last. Each row ends with the number
    of intervals in the good state.

    A row has the hours of a day, the days of a month, or the weeks or months of a year. If that would be too many
    squares, each square stands for a day or a month, and shows its worst state.
    """
    zone, good = ZoneInfo(grid.timezone), list(squares)[-1]
    found = [(interval.start.astimezone(zone), state) for interval, state in states]
    for layout in _LAYOUTS.get(grid.unit, _LONG_UNITS):
        rows = _fill(layout, found, list(squares))
        if len(rows) * layout.width <= _MAX_SQUARES:
            break
    lines = [f"| | a square {layout.square}, {grid.timezone} | {good} |", "|---|:---|---:|"]
    for name, places in rows.items():
        row = [squares[places[place]] if place in places else _NOTHING for place in range(layout.width)]
        groups = ["".join(row[first:last]) for first, last in pairwise((0, *layout.gaps))]
        done = sum(state is good for state in places.values())
        lines.append(f"| **{name}** | {' '.join(groups)} | {done}/{len(places)} |")
    return "\n".join([*lines, "", " ".join(f"{square} {state}" for state, square in squares.items())])


def _fill(layout: _Layout, found: Iterable[tuple[datetime, S]], worst_first: Sequence[S]) -> dict[str, dict[int, S]]:
    rows: dict[str, dict[int, S]] = {}
    for local, state in found:
        places, place = rows.setdefault(layout.row(local), {}), layout.place(local)
        places[place] = worst(state, places.get(place, state), worst_first)
    return rows


def worst(one: S, other: S, worst_first: Sequence[S]) -> S:
    """Return the worse of two states."""
    return min(one, other, key=worst_first.index)
