"""The grid of a table: how time is cut into the intervals that it is loaded by."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from daybook.errors import IntervalError
from daybook.model.interval import Interval
from daybook.model.timezones import find_zone, happens_twice, instant_of, start_of_day, wall_clock

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
    """Time, cut into hours, days, weeks or months of a time zone, with no gap and no overlap.

    - A **day** starts at the first instant at which the local clock shows its date: it has 23, 24 or 25 hours. A date
      that the zone skipped (Pacific/Apia, 2011-12-30) has no interval. A **week** starts with its Monday (ISO 8601), a
      **month** with its 1st.
    - An **hour** starts whenever the local clock shows minute 00. Where the clock is set back by an hour, the repeated
      hour is two intervals. Where it is shifted by half an hour (Australia/Lord_Howe), the hour of the shift is one
      interval of 90 minutes, because the clock shows the next full hour only then.

    Where a method takes a `date` or `datetime`: a date is the start of that day in the zone of the grid, and so is a
    datetime at midnight without a time zone; any other datetime without one is read on the clock of the zone; one with
    a time zone is an instant. Raises `IntervalError` for a date or time that never happened there or happened twice.

    `unit` is one of `hour`, `day`, `week` and `month`; `timezone` is an IANA name. Raises `IntervalError` for others.
    """

    unit: Unit
    timezone: str = "UTC"
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise IntervalError(f"There is no interval {self.unit!r}: expected one of {', '.join(get_args(Unit))}.")
        object.__setattr__(self, "_zone", find_zone(self.timezone))

    def at(self, when: date | datetime) -> Interval:
        """The interval that starts at `when`. Raises `IntervalError`, with what to type instead, if none does."""
        instant = instant_of(when, self._zone)
        interval = self._around(instant)
        if interval.start != instant:
            this, following = self.label(interval), self.label(self.next(interval))
            raise IntervalError(
                f"No {self.unit} starts at {when.isoformat()} ({_STARTS[self.unit]}, in {self.timezone}). "
                f"Type {this} for the {self.unit} that it lies in, or {following} for the next."
            )
        return interval

    def containing(self, when: date | datetime) -> Interval:
        """The interval that `when` lies in."""
        return self._around(instant_of(when, self._zone))

    def first(self, start: date | datetime) -> Interval:
        """The first interval that a table with this `start:` owes: the one that contains it, in full.

        A daily table that starts on 2020-08-10 02:00 owes all of the 10th.
        """
        return self.containing(start)

    def last_complete(self, instant: datetime) -> Interval:
        """The newest interval that has ended at `instant`, an aware datetime.

        Raises `IntervalError` for a datetime without a time zone, which would be the clock of whatever machine made it.
        """
        return self.previous(self._around(self._instant(instant)))

    def due(self, start: date | datetime, instant: datetime) -> list[Interval]:
        """Every interval that a table with this `start:` owes at `instant`: from `first(start)` to `last_complete`.

        Empty while the first one is not over. `instant` is as in `last_complete`.
        """
        return list(self._walk(self.first(start).start, self._floor(self._instant(instant))))

    def between(self, start: date | datetime, end: date | datetime) -> list[Interval]:
        """The intervals of the half-open range: `start` is the first one's start, `end` is the last one's end.

        Raises `IntervalError` if one of the two is off the grid, as in `at`, or the range is empty or inverted.
        """
        lower, upper = self.at(start).start, self.at(end).start
        if lower >= upper:
            only = self.at(start)
            raise IntervalError(
                f"No {self.unit} lies from {start.isoformat()} to {end.isoformat()}: the start is inclusive, the end "
                f"exclusive. For the {self.unit} {self.label(only)} alone, end with {self.until(only)}."
            )
        return list(self._walk(lower, upper))

    def next(self, interval: Interval) -> Interval:
        """The interval after this one of the grid."""
        return self._around(self._on_grid(interval).end)

    def previous(self, interval: Interval) -> Interval:
        """The interval before this one of the grid."""
        return self._around(self._on_grid(interval).start - timedelta.resolution)

    def label(self, interval: Interval) -> str:
        """What a person calls the interval, and types to get it: `at(parse(label(interval))) == interval`.

        The local date of its first day (`2021-02-05`), and for an hour the time too (`2021-02-05T13:00`), with the
        offset where the clock shows that hour twice (`2021-11-07T01:00-04:00`). Raises `IntervalError` for an interval
        that is not of this grid.
        """
        local = self._on_grid(interval).start.astimezone(self._zone)
        if self.unit != "hour":
            return self._first_day(local.date()).isoformat()
        return (local if happens_twice(local) else local.replace(tzinfo=None)).isoformat(timespec="minutes")

    def stretch_label(self, first: Interval, last: Interval) -> str:
        """What a person calls the intervals from `first` to `last`: `2021-02-05`, `2021-02-05 until 2021-03-01`."""
        return " until ".join(self.dates(first, last).values())

    def dates(self, first: Interval, last: Interval) -> dict[str, str]:
        """What a load is given for these intervals: `execution_date`, and `until` where they are more than one."""
        dates = {"execution_date": self.label(first)}
        return dates if first == last else dates | {"until": self.until(last)}

    def until(self, last: Interval) -> str:
        """What a person types to end with this interval: the label of the next one, as an end is exclusive."""
        return self.label(self.next(last))

    def counted(self, number: int) -> str:
        """So many intervals, in words: `1 day`, `364 days`."""
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
            raise IntervalError(f"{instant.isoformat()} is no instant: give it a time zone, such as +00:00.")
        return instant_of(instant, self._zone)

    def _around(self, instant: datetime) -> Interval:
        start = self._floor(instant)
        return Interval(start, self._after(start))

    def _walk(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """The intervals from one boundary of the grid to another, in order. Ten years of hours are 87,600 of them."""
        while start < end:
            following = self._after(start)
            yield Interval(start, following)
            start = following

    def _floor(self, instant: datetime) -> datetime:
        """The newest boundary of the grid at or before an instant in UTC."""
        if self.unit == "hour":
            return self._floor_of_hour(instant)
        day = self._first_day(wall_clock(instant, self._zone).date())
        # Once begun, a day stays: America/St_Johns set its clock back at 00:01, into the day before, until 2011.
        while start_of_day(self._following(day), self._zone) <= instant:
            day = self._following(day)
        return start_of_day(day, self._zone)

    def _after(self, boundary: datetime) -> datetime:
        """The boundary of the grid after this one."""
        if self.unit == "hour":
            end = boundary + _HOUR
            if self._is_full_hour(end):
                return end
            # The clock is shifted by a part of an hour in here: its next full hour is up to two hours away.
            floor = self._floor_of_hour(end)
            return floor if floor > boundary else self._floor_of_hour(end + _HOUR)
        day = self._first_day(wall_clock(boundary, self._zone).date())
        while (end := start_of_day(day, self._zone)) <= boundary:  # passes over a date that the zone skipped
            day = self._following(day)
        return end

    def _floor_of_hour(self, instant: datetime) -> datetime:
        """The newest instant at or before this one at which the local clock shows a full hour."""
        # It is less than an hour before the instant, or, if the clock was shifted since, before the shift, where the
        # offset of an hour ago was in force.
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
        """The first day of the day, week or month that `day` is in."""
        if self.unit == "week":
            return day - day.weekday() * _DAY
        return day.replace(day=1) if self.unit == "month" else day

    def _following(self, first_day: date) -> date:
        """The first day of the next day, week or month."""
        if self.unit == "week":
            return first_day + 7 * _DAY
        return (first_day + 31 * _DAY).replace(day=1) if self.unit == "month" else first_day + _DAY


def parse(text: str) -> date | datetime:
    """The date or time in a text that a person typed, for `Grid.at` and the others.

    Takes `2021-02-05`; `2021-02`, which is the 1st; `2021-02-05T13:00` or `2021-02-05 13:00`, with seconds if need be,
    and with `Z` or an offset such as `-04:00`. Returns a `date` where no time is given, else a `datetime`, naive where
    no offset is given. Raises `IntervalError` for anything else.
    """
    found = _TEXT.fullmatch(text.strip())
    try:
        if found and found["time"]:
            return datetime.fromisoformat(found[0])
        if found:
            return date.fromisoformat(found[0] if found["day"] else f"{found[0]}-01")
    except ValueError as error:  # 2021-02-30
        raise IntervalError(f"{text!r} is not in the calendar: {error}.") from None
    raise IntervalError(
        f"{text!r} is no date or time: expected 2021-02-05, 2021-02, 2021-02-05T13:00 or 2021-02-05T13:00-04:00."
    )
