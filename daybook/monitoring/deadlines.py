"""What of a table has to be in the ledger, and by when: `due:` of its file, as instants.

The due instant of an interval is the first `due` o'clock, on the table's clock, at or after its end:

| `interval:` | `due: "10:00"` means |
|---|---|
| `day` | the 5th by the 6th, 10:00 |
| `week` | the week of Monday the 1st by Monday the 8th, 10:00 |
| `month` | January by February 1st, 10:00 |
| `hour` | all hours of the 5th by the 6th, 10:00 |
| none, or `load: replace` | a load or build of the 6th's own, begun at midnight, by the 6th, 10:00 |

A time that the clock skips is as long after the jump as it is inside (02:30 is 03:30 in that night); one that it
shows twice is the first of the two. Intervals before `start:`, and those in which the exchange of `calendar:` had no
session, are not owed.
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
    """What has to be there by one instant: one interval, or all hours of a day; of a table without any, that day."""

    due_at: datetime
    intervals: tuple[Interval, ...]

    @property
    def start(self) -> datetime:
        """The beginning of the first of them."""
        return self.intervals[0].start

    @property
    def end(self) -> datetime:
        """The end of the last of them."""
        return self.intervals[-1].end


class Deadlines:
    """What a table with `due:` owes, since `begin`, an instant: earlier intervals are nobody's business.

    Raises:
        ValueError: its file says no `due:`.
    """

    def __init__(self, dataset: Dataset, begin: datetime) -> None:
        if dataset.due is None:
            raise ValueError(f"{dataset.name} has no due:")
        self._dataset, self._due, self._zone = dataset, dataset.due, find_zone(dataset.timezone)
        self._grid = dataset.load_grid
        self._begin = begin

    def passed(self, moment: datetime) -> Iterator[Deadline]:
        """The duties whose due instant has passed at `moment`, the newest first."""
        day = wall_clock(moment, self._zone).date()
        first = wall_clock(self._begin, self._zone).date()
        while day >= first:
            duty = self._of(day)
            if duty and duty.due_at <= moment:
                yield duty
            day -= _DAY

    def coming(self, moment: datetime) -> Iterator[Deadline]:
        """The duties whose due instant is after `moment`, the oldest first, without end."""
        day = max(wall_clock(moment, self._zone).date(), wall_clock(self._begin, self._zone).date())
        while True:
            duty = self._of(day)
            if duty and duty.due_at > moment:
                yield duty
            day += _DAY

    def _of(self, day: date) -> Deadline | None:
        """What is due at `due` o'clock of this day on the local clock."""
        due_at, before = self._instant(day), self._instant(day - _DAY)
        owed = [interval for interval in self._between(before, due_at) if interval.start >= self._begin]
        owed = [interval for interval in owed if self._expects(interval)]
        return Deadline(due_at, tuple(owed)) if owed else None

    def _between(self, before: datetime, due_at: datetime) -> list[Interval]:
        """The intervals that end after `before` and by `due_at`; hours go by the end of their day."""
        days = Grid("day", self._dataset.timezone)
        if self._grid is None:
            # A date that the zone skipped has the ten o'clock of the next one, which is due once.
            return [days.containing(due_at - timedelta.resolution)] if before < due_at else []
        whole = days if self._grid.unit == "hour" else self._grid
        newest = whole.last_complete(due_at)
        return self._grid.due(newest.start, newest.end) if newest.end > before else []

    def _expects(self, interval: Interval) -> bool:
        return not isinstance(self._dataset, Table) or self._dataset.expects(interval)

    def _instant(self, day: date) -> datetime:
        return datetime.combine(day, self._due, self._zone).astimezone(UTC)


def start_of(dataset: Dataset) -> datetime | None:
    """The instant at which the first thing that it owes begins, as its file says it; None: its file does not say."""
    if not isinstance(dataset, Table) or dataset.start is None:
        return None
    return (dataset.load_grid or Grid("day", dataset.timezone)).first(dataset.start).start
