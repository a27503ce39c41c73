"""Every clock change from 1970 to 2037, in every time zone: grids and cursors put each row into one interval."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo, available_timezones

import pytest

from daybook.errors import SourceError
from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, Unit, parse
from daybook.model.types import Type

DAY, WEEK, TICK = timedelta(days=1), timedelta(days=7), timedelta(minutes=30)
UNITS: tuple[Unit, ...] = get_args(Unit)

#: (zone, the date whose start the clock skips or repeats)
NAMED = [
    ("America/Santiago", date(2024, 9, 8)),  # 00:00 -> 01:00
    ("America/Santiago", date(2024, 4, 7)),  # 24:00 -> 23:00
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Asia/Beirut", date(2024, 3, 31)),
    ("Asia/Beirut", date(2024, 10, 27)),
    ("Africa/Cairo", date(2024, 4, 26)),
    ("America/Nuuk", date(2024, 3, 31)),
    ("Asia/Tehran", date(2021, 3, 22)),  # a Monday: the week starts at 01:00
    ("America/Asuncion", date(2017, 10, 1)),  # the month starts at 01:00
    ("America/Havana", date(2021, 11, 7)),  # 01:00 -> 00:00
    ("America/St_Johns", date(2010, 11, 7)),  # 00:01 -> 23:01
    ("Antarctica/Troll", date(2021, 10, 31)),  # back two hours
    ("Antarctica/Casey", date(2010, 3, 5)),  # 02:00 -> 23:00 of the day before
    ("Antarctica/Casey", date(2020, 10, 4)),  # 00:01 -> 03:01
    ("America/Goose_Bay", date(2010, 11, 7)),  # 00:01 -> 23:01
    ("America/Goose_Bay", date(2010, 3, 14)),  # 00:01 -> 01:01
    ("Pacific/Apia", date(2011, 12, 31)),  # the date before is skipped
    ("Pacific/Kwajalein", date(1993, 8, 22)),
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("zone", "day"), NAMED)
def test_a_named_clock_change(zone: str, day: date, unit: Unit) -> None:
    check(zone, unit, Grid("day", zone).at(day).start)


@pytest.mark.full  # it looks for the changes of every zone, which takes seconds
@pytest.mark.parametrize("unit", UNITS)
def test_one_clock_change_of_each_kind(unit: Unit) -> None:
    """Two changes are of one kind if the clock shows the same times before and after them."""
    kinds: dict[object, tuple[str, datetime]] = {}
    for zone in sorted(available_timezones()):
        for change in changes(zone):
            kinds.setdefault(kind_of(zone, change, unit), (zone, change))
    assert len(kinds) > 50
    for zone, change in kinds.values():
        check(zone, unit, change)


@pytest.mark.full
@pytest.mark.parametrize("zone", sorted(available_timezones()))
def test_every_clock_change(zone: str) -> None:
    for change in changes(zone):
        for unit in UNITS:
            check(zone, unit, change)


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """Return the instants from 1970 to 2037 at which the clock of `zone` is shifted. No zone does so twice a week."""
    return tuple(_changes(ZoneInfo(zone)))


def _changes(clock: ZoneInfo) -> Iterator[datetime]:
    before = datetime(1970, 1, 1, tzinfo=UTC)
    while before.year < 2038:
        after = before + WEEK
        low, high = before, after
        if low.astimezone(clock).utcoffset() != high.astimezone(clock).utcoffset():
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // timedelta(seconds=2) * timedelta(seconds=1)
                same = middle.astimezone(clock).utcoffset() == before.astimezone(clock).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        before = after


def kind_of(zone: str, change: datetime, unit: Unit) -> object:
    """Return what distinguishes this change for a grid of `unit`: the times around it, and the start of an interval."""
    clock = ZoneInfo(zone)
    before, after = ((change - ago).astimezone(clock) for ago in (timedelta.resolution, timedelta()))
    starts = {"week": after.weekday(), "month": after.day == 1}.get(unit)
    return before.time(), after.time(), after.date() - before.date(), starts


def check(zone: str, unit: Unit, change: datetime) -> None:
    """Check the intervals around a clock change with a cursor of each type."""
    grid, reach = Grid(unit, zone), reach_of(unit)
    intervals = [grid.previous(grid.containing(change - reach))]
    while intervals[-1].end <= change + reach:
        intervals.append(grid.next(intervals[-1]))
    intervals.append(grid.next(intervals[-1]))
    try:
        check_partition(grid, intervals)
        check_instants(grid, intervals)
        check_local_times(grid, intervals, change)
        check_dates(grid, intervals)
    except AssertionError as error:
        raise AssertionError(f"{zone}, {unit}, the clock change at {change:%Y-%m-%d %H:%M:%S} UTC: {error}") from None


def reach_of(unit: Unit) -> timedelta:
    """Return the time to look at before and after a change. No clock was set back by more than seven hours."""
    return timedelta(hours=9) if unit == "hour" else DAY


def check_partition(grid: Grid, intervals: list[Interval]) -> None:
    """The intervals partition time, and their labels round-trip."""
    for before, after in pairwise(intervals):
        assert before.end == after.start
        assert grid.previous(after) == before
    for interval in intervals:
        assert grid.containing(interval.start) == interval
        assert grid.containing(interval.end - timedelta.resolution) == interval
        assert grid.at(parse(grid.label(interval))) == interval


def check_instants(grid: Grid, intervals: list[Interval]) -> None:
    cursor = Cursor("at", Type("timestamptz"), grid.timezone)
    for interval in intervals:
        assert (cursor.bound(interval.start), cursor.bound(interval.end)) == (interval.start, interval.end)


def check_local_times(grid: Grid, intervals: list[Interval], change: datetime) -> None:
    """Every local time is in one interval, which shows it. Truncated to the unit, it is in the interval it names."""
    cursor = Cursor("at", Type("timestamp"), grid.timezone)
    bounds = bounds_of(cursor, intervals)
    clock = ZoneInfo(grid.timezone)
    labels = {interval: grid.label(interval) for interval in intervals}

    def placed(local: datetime) -> Interval:
        return intervals[bisect_right(bounds, local) - 1]

    assert bounds == sorted(bounds)
    reach = reach_of(grid.unit)
    for tick in (change - reach + n * TICK for n in range(2 * reach // TICK)):
        shown = tick.astimezone(clock).replace(tzinfo=None, fold=0)
        found = placed(shown)
        occurrences = [shown.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1)]
        assert any(found.start <= instant < found.end for instant in occurrences), f"{shown} is in {found}"
        if grid.unit != "hour":
            truncated = first_day(grid.unit, shown.date())
            found = placed(datetime.combine(truncated, datetime.min.time()))
            assert labels[found] == f"{truncated}", f"{truncated} is in {found}"
    if grid.unit != "hour":
        assert [grid.at(bound).start for bound in bounds[:-1]] == [interval.start for interval in intervals]


def check_dates(grid: Grid, intervals: list[Interval]) -> None:
    """Every date is in the interval that has its label. Hours are refused, because they split a day."""
    cursor = Cursor("day", Type("date"), grid.timezone)
    if grid.unit == "hour":
        for interval in intervals:
            with pytest.raises(SourceError, match="would split a day"):
                bounds_of(cursor, [interval])
        return
    bounds = bounds_of(cursor, intervals)
    assert {type(bound) for bound in bounds} == {date}
    assert all(before < after for before, after in pairwise(bounds)), f"{bounds} overlap"
    assert [grid.at(bound).start for bound in bounds[:-1]] == [interval.start for interval in intervals]
    for interval, bound in zip(intervals, bounds, strict=False):
        assert first_day(grid.unit, bound) == parse(grid.label(interval))


def bounds_of(cursor: Cursor, intervals: list[Interval]) -> list[date | datetime]:
    return [cursor.bound(instant) for instant in (intervals[0].start, *(interval.end for interval in intervals))]


def first_day(unit: Unit, day: date) -> date:
    """Return the first day of the day, week or month."""
    if unit == "week":
        return day - day.weekday() * DAY
    return day.replace(day=1) if unit == "month" else day
