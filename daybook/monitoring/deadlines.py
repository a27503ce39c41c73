"""Deadlines: which intervals the ledger must have, and by when. Computed from `due:` in the table file.

An interval is due at the first `due` time, in the table's time zone, at or after its end:

| `interval:` | `due: "10:00"` means |
|---|---|
| `day` | the 5th by the 6th, 10:00 |
| `week` | the week of Monday the 1st by Monday the 8th, 10:00 |
| `month` | January by February 1st, 10:00 |
| `hour` | all hours of the 5th by the 6th, 10:00 |
| none, or `load: replace` | a load or build on the 6th, at any time from midnight on, by the 6th, 10:00 |

If a daylight saving change skips the due time, it moves forward by the length of the gap: 02:30 becomes 03:30 in that
night. If the clock shows the due time twice, the first one counts. Intervals before `start:` are not expected. With
`calendar:`, intervals without a trading session are not expected.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from daybook.definitions.table import Table
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.model.timezones import find_zone, wall_clock

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The intervals that are due at one instant: one interval, or all hours of a day.

    For a table without intervals, the day on which it must be loaded.
    """

    due_at: datetime
    intervals: tuple[Interval, ...]

    @property
    def start(self) -> datetime:
        """Return the start of the first interval, in UTC."""
        return self.intervals[0].start

    @property
    def end(self) -> datetime:
        """Return the end of the last interval, in UTC."""
        return self.intervals[-1].end


class Deadlines:
    """The deadlines of a table with `due:`. Intervals that start before the instant `begin` have none.

    Raises:
        ValueError: the table file has no `due:`.
    """

    def __init__(self, dataset: Dataset, begin: datetime) -> None:
        if dataset.due is None:
            raise ValueError(f"{dataset.name} has no `due:` in its file")
        self._dataset, self._due, self._zone = dataset, dataset.due, find_zone(dataset.timezone)
        self._grid = dataset.load_grid
        self._begin = begin

    def passed(self, moment: datetime) -> Iterator[Deadline]:
        """Yield the deadlines at or before `moment`, the newest first."""
        day = wall_clock(moment, self._zone).date()
        first = wall_clock(self._begin, self._zone).date()
        while day >= first:
            deadline = self._of(day)
            if deadline and deadline.due_at <= moment:
                yield deadline
            day -= _DAY

    def coming(self, moment: datetime) -> Iterator[Deadline]:
        """Yield the deadlines after `moment`, the oldest first. The iterator never ends."""
        day = max(wall_clock(moment, self._zone).date(), wall_clock(self._begin, self._zone).date())
        while True:
            deadline = self._of(day)
            if deadline and deadline.due_at > moment:
                yield deadline
            day += _DAY

    def _of(self, day: date) -> Deadline | None:
        """Return the deadline at the `due` time of this local day, or None if nothing is due then."""
        due_at, before = self._instant(day), self._instant(day - _DAY)
        expected = [interval for interval in self._between(before, due_at) if interval.start >= self._begin]
        expected = [interval for interval in expected if self._expects(interval)]
        return Deadline(due_at, tuple(expected)) if expected else None

    def _between(self, before: datetime, due_at: datetime) -> list[Interval]:
        """Return the intervals that end in (`before`, `due_at`]. For hours, the end of their day counts."""
        days = Grid("day", self._dataset.timezone)
        if self._grid is None:
            # If the time zone skipped this date, its due instant is that of the next date, which is due only once.
            return [days.containing(due_at - timedelta.resolution)] if before < due_at else []
        whole = days if self._grid.unit == "hour" else self._grid
        newest = whole.last_complete(due_at)
        return self._grid.due(newest.start, newest.end) if newest.end > before else []

    def _expects(self, interval: Interval) -> bool:
        return not isinstance(self._dataset, Table) or self._dataset.expects(interval)

    def _instant(self, day: date) -> datetime:
        return datetime.combine(day, self._due, self._zone).astimezone(UTC)


def start_of(dataset: Dataset) -> datetime | None:
    """Return the start of the first interval that is expected, in UTC, or None if the table file has no `start:`."""
    if not isinstance(dataset, Table) or dataset.start is None:
        return None
    return (dataset.load_grid or Grid("day", dataset.timezone)).first(dataset.start).start
