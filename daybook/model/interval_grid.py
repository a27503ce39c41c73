"""The grid of a table: the hours, days, weeks or months of a time zone that its loads use as intervals."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from daybook.errors import IntervalError
from daybook.model.interval import Interval
from daybook.model.timezones import find_zone, happens_twice, instant_of, start_of_day, started_day, wall_clock

Unit = Literal["hour", "day", "week", "month"]

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_STARTS: dict[Unit, str] = {
    "hour": "hours start at minute 00",
    "day": "days start at midnight",
    "week": "weeks start on Monday",
    "month": "months start on the 1st",
}
_TEXT = re.compile(
    r"(?P<month>\d{4}-\d\d)(?P<day>-\d\d(?P<time>[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?"
    r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Grid:
    """All hours, days, weeks or months of a time zone, without a gap or an overlap.

    - A **day** starts at the first instant at which the local clock shows its date. It has 23, 24 or 25 hours. A date
      that the zone skipped (Pacific/Apia, 2011-12-30) has no interval.
    - A **week** starts on Monday (ISO 8601), a **month** on its 1st.
    - An **hour** starts whenever the local clock shows minute 00. If the clock is set back by an hour, the repeated
      hour is two intervals. If the clock is shifted by half an hour (Australia/Lord_Howe), the hour of the shift is one
      interval of 90 minutes, because the clock shows the next full hour only then.

    All methods interpret a `date` or `datetime` in the same way. A date or a naive midnight is the start of that day in
    the zone of the grid. Any other naive datetime is a time on the clock of the zone. An aware datetime is an instant.

    Raises:
        IntervalError: the unit or the IANA time zone is unknown; or, from every method, a date or time never happened
            in the zone, or happened twice.
    """

    unit: Unit
    timezone: str = "UTC"
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise IntervalError(f"Unknown interval {self.unit!r}: expected one of {', '.join(get_args(Unit))}.")
        object.__setattr__(self, "_zone", find_zone(self.timezone))

    def at(self, when: date | datetime) -> Interval:
        """Return the interval that starts at `when`. If none does, raise `IntervalError` with the labels to type."""
        instant = instant_of(when, self._zone)
        interval = self._around(instant)
        if interval.start != instant:
            this, following = self.label(interval), self.label(self.next(interval))
            raise IntervalError(
                f"No {self.unit} starts at {when.isoformat()} ({_STARTS[self.unit]}, in {self.timezone}). "
                f"Type {this} for the {self.unit} that contains it, or {following} for the next."
            )
        return interval

    def containing(self, when: date | datetime) -> Interval:
        """Return the interval that contains `when`."""
        return self._around(instant_of(when, self._zone))

    def first(self, start: date | datetime) -> Interval:
        """Return the first interval of a table with this `start:`: the one that contains it, in full.

        The first interval of a daily table that starts at 2020-08-10 02:00 is all of the 10th.
        """
        return self.containing(start)

    def last_complete(self, instant: datetime) -> Interval:
        """Return the newest interval that has ended at `instant`. Raise `IntervalError` if it has no time zone."""
        return self.previous(self._around(self._instant(instant)))

    def due(self, start: date | datetime, instant: datetime) -> list[Interval]:
        """Return the intervals that a table with this `start:` must have at `instant`: `first` to `last_complete`.

        The list is empty until the first interval has ended. `instant` is as in `last_complete`.
        """
        return list(self._walk(self.first(start).start, self._floor(self._instant(instant))))

    def between(self, start: date | datetime, end: date | datetime) -> list[Interval]:
        """Return the intervals of the half-open range from `start` (inclusive) to `end` (exclusive).

        Raises:
            IntervalError: `start` or `end` is off the grid, as in `at`, or the range is empty or inverted.
        """
        lower, upper = self.at(start).start, self.at(end).start
        if lower >= upper:
            only = self.at(start)
            raise IntervalError(
                f"The range from {start.isoformat()} to {end.isoformat()} contains no {self.unit}: the start is "
                f"inclusive, the end exclusive. For the {self.unit} {self.label(only)} alone, end with "
                f"{self.until(only)}."
            )
        return list(self._walk(lower, upper))

    def next(self, interval: Interval) -> Interval:
        """Return the next interval of the grid."""
        return self._around(self._on_grid(interval).end)

    def previous(self, interval: Interval) -> Interval:
        """Return the previous interval of the grid."""
        return self._around(self._on_grid(interval).start - timedelta.resolution)

    def label(self, interval: Interval) -> str:
        """Return the label of the interval, which people also type: `at(parse(label(interval))) == interval`.

        It is the local date of the first day (`2021-02-05`). The label of an hour includes the time
        (`2021-02-05T13:00`), and the offset if the clock shows that hour twice (`2021-11-07T01:00-04:00`).

        Raises:
            IntervalError: the interval is not on this grid.
        """
        local = self._on_grid(interval).start.astimezone(self._zone)
        if self.unit != "hour":
            return self._first_day(local.date()).isoformat()
        return (local if happens_twice(local) else local.replace(tzinfo=None)).isoformat(timespec="minutes")

    def stretch_label(self, first: Interval, last: Interval) -> str:
        """Return the label of the intervals from `first` to `last`: `2021-02-05`, `2021-02-05 until 2021-03-01`."""
        return " until ".join(self.dates(first, last).values())

    def dates(self, first: Interval, last: Interval) -> dict[str, str]:
        """Return a load's parameters for these intervals: `execution_date`, and `until` if there is more than one."""
        dates = {"execution_date": self.label(first)}
        return dates if first == last else dates | {"until": self.until(last)}

    def until(self, last: Interval) -> str:
        """Return the exclusive end to type for a range whose last interval is `last`: the label of the next one."""
        return self.label(self.next(last))

    def counted(self, number: int) -> str:
        """Return a number of intervals with its unit: `1 day`, `364 days`."""
        return f"{number:,} {self.unit}{'s' * (number != 1)}"

    def _on_grid(self, interval: Interval) -> Interval:
        expected = self._around(interval.start)
        if expected != interval:
            raise IntervalError(
                f"{interval} is not a {self.unit} in {self.timezone}: the one that contains its start is {expected}."
            )
        return interval

    def _instant(self, instant: datetime) -> datetime:
        if instant.utcoffset() is None:
            raise IntervalError(f"{instant.isoformat()} is not an instant: add a time zone, such as +00:00.")
        return instant_of(instant, self._zone)

    def _around(self, instant: datetime) -> Interval:
        start = self._floor(instant)
        return Interval(start, self._after(start))

    def _walk(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Yield the intervals between two boundaries of the grid, in order. Ten years of hours are 87,600 of them."""
        while start < end:
            following = self._after(start)
            yield Interval(start, following)
            start = following

    def _floor(self, instant: datetime) -> datetime:
        """Return the newest boundary of the grid at or before an instant in UTC."""
        if self.unit == "hour":
            return self._floor_of_hour(instant)
        return start_of_day(self._first_day(started_day(instant, self._zone)), self._zone)

    def _after(self, boundary: datetime) -> datetime:
        """Return the next boundary of the grid."""
        if self.unit == "hour":
            end = boundary + _HOUR
            if self._is_full_hour(end):
                return end
            # The clock is shifted by a part of an hour in this interval: its next full hour is up to two hours away.
            floor = self._floor_of_hour(end)
            return floor if floor > boundary else self._floor_of_hour(end + _HOUR)
        day = self._first_day(wall_clock(boundary, self._zone).date())
        while (end := start_of_day(day, self._zone)) <= boundary:  # skips a date that the zone skipped
            day = self._following(day)
        return end

    def _floor_of_hour(self, instant: datetime) -> datetime:
        """Return the newest instant at or before this one at which the local clock shows a full hour."""
        # It is less than an hour before the instant. If the clock was shifted in between, it is less than an hour
        # before the shift, and has the offset of an hour ago.
        candidates = []
        for reference in (instant, instant - _HOUR):
            offset = reference.astimezone(self._zone).utcoffset() or timedelta()
            start = instant - (instant.replace(tzinfo=None) - datetime.min + offset) % _HOUR
            candidates += [start, start - _HOUR]
        return max(filter(self._is_full_hour, candidates))

    def _is_full_hour(self, instant: datetime) -> bool:
        local = instant.astimezone(self._zone)
        return local.minute == local.second == local.microsecond == 0

    def _first_day(self, day: date) -> date:
        """Return the first day of the day, week or month that contains `day`."""
        if self.unit == "week":
            return day - day.weekday() * _DAY
        return day.replace(day=1) if self.unit == "month" else day

    def _following(self, first_day: date) -> date:
        """Return the first day of the next day, week or month."""
        if self.unit == "week":
            return first_day + 7 * _DAY
        return (first_day + 31 * _DAY).replace(day=1) if self.unit == "month" else first_day + _DAY


def parse(text: str) -> date | datetime:
    """Parse a date or time that a person typed, for `Grid.at` and the other methods.

    Takes `2021-02-05`; `2021-02`, which is its 1st; `2021-02-05T13:00` or `2021-02-05 13:00`, optionally with seconds
    and with `Z` or an offset such as `-04:00`.

    Returns:
        A `date` if the text has no time, otherwise a `datetime`. The datetime is naive if the text has no offset.

    Raises:
        IntervalError: the text has another format, or its date does not exist.
    """
    found = _TEXT.fullmatch(text.strip())
    try:
        if found and found["time"]:
            return datetime.fromisoformat(found[0])
        if found:
            return date.fromisoformat(found[0] if found["day"] else f"{found[0]}-01")
    except ValueError as error:  # 2021-02-30
        raise IntervalError(f"{text!r} is not a valid date or time: {error}.") from None
    raise IntervalError(
        f"{text!r} is not a date or time: expected 2021-02-05, 2021-02, 2021-02-05T13:00 or 2021-02-05T13:00-04:00."
    )
