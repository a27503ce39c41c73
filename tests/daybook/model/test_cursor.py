"""The bounds of a cursor, and the expression that numbers intervals: both agree with the grid on every engine."""

from datetime import UTC, date, datetime, timedelta

import pytest

from daybook.errors import SourceError
from daybook.model.cursor import Cursor
from daybook.model.interval_grid import Grid, Unit
from daybook.model.types import Type
from tests.support.source_and_warehouse import Database

ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"]


@pytest.mark.pairwise
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", ["hour", "day", "month"])
def test_buckets_agree_with_the_grid(source: Database, zone: str, unit: Unit) -> None:
    grid = Grid(unit, zone)
    first = grid.containing(datetime(2017, 10, 14, 12, tzinfo=UTC))
    intervals = [first]
    while len(intervals) < 200:
        intervals.append(grid.next(intervals[-1]))
    boundaries = [first.start, *(interval.end for interval in intervals)]
    instants = [moment + shift for moment in boundaries for shift in (timedelta(microseconds=-1), timedelta())]
    kind = "datetime(6)" if source.is_mysql else "timestamptz"
    source.run(f"CREATE TABLE moments (n int, at {kind})")
    source.insert("moments", [(n, at.replace(tzinfo=None) if source.is_mysql else at) for n, at in enumerate(instants)])
    source.run("INSERT INTO moments VALUES (-1, NULL)")
    cursor = Cursor("at", Type("timestamptz"), zone)
    sql, values = cursor.bucket_sql("at", boundaries)
    if source.is_mysql:
        values = [value.replace(tzinfo=None) for value in values if isinstance(value, datetime)]
    numbered = dict(source.run(f"SELECT n, {sql} FROM moments", values))
    assert numbered.pop(-1) is None
    assert numbered == {n: (n + 1) // 2 - 1 for n in range(len(instants))}


@pytest.mark.parametrize("zone", ZONES)
def test_a_cursor_without_a_zone_puts_every_row_into_one_interval(source: Database, zone: str) -> None:
    grid = Grid("hour", zone)
    intervals = [grid.containing(datetime(2021, 11, 6, 12, tzinfo=UTC))]
    while len(intervals) < 48:
        intervals.append(grid.next(intervals[-1]))
    boundaries = [intervals[0].start, *(interval.end for interval in intervals)]
    cursor = Cursor("at", Type("timestamp"), zone)
    low, high = cursor.bound(boundaries[0]), cursor.bound(boundaries[-1])
    assert isinstance(low, datetime) and isinstance(high, datetime)
    moments = [low + timedelta(minutes=10 * n) for n in range(int((high - low) / timedelta(minutes=10)))]
    source.run(f"CREATE TABLE moments (n int, at {'datetime(6)' if source.is_mysql else 'timestamp'})")
    source.insert("moments", list(enumerate(moments)))
    sql, values = cursor.bucket_sql("at", boundaries)
    for number, bucket in source.run(f"SELECT n, {sql} FROM moments", values):
        start, end = cursor.bound(boundaries[bucket]), cursor.bound(boundaries[bucket + 1])
        assert isinstance(start, datetime) and isinstance(end, datetime)
        assert start <= moments[number] < end


def test_bounds() -> None:
    midnight = datetime(2021, 2, 5, 5, tzinfo=UTC)
    assert Cursor("at", Type("timestamptz"), "America/New_York").bound(midnight) == midnight
    assert Cursor("at", Type("timestamp"), "America/New_York").bound(midnight) == datetime(2021, 2, 5)
    assert Cursor("at", Type("date"), "America/New_York").bound(midnight) == date(2021, 2, 5)
    with pytest.raises(SourceError, match="would split a day"):
        Cursor("at", Type("date"), "UTC").bound(midnight)
    with pytest.raises(SourceError, match="only a date, timestamp or timestamptz"):
        Cursor("at", Type("bigint"), "UTC").bound(midnight)
    with pytest.raises(SourceError, match=r"raw\.things: cursor 'at' is a date"):
        Cursor("at", Type("date"), "UTC", "raw.things").bound(midnight)


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("America/Santiago", datetime(2024, 9, 8, 4, tzinfo=UTC), date(2024, 9, 8)),
        ("Asia/Beirut", datetime(2024, 3, 30, 22, tzinfo=UTC), date(2024, 3, 31)),
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC), date(2011, 12, 31)),
        ("America/Havana", datetime(2021, 11, 7, 4, tzinfo=UTC), date(2021, 11, 7)),
    ],
)
def test_a_day_starts_with_its_date_whatever_the_clock_shows(zone: str, instant: datetime, day: date) -> None:
    assert Cursor("at", Type("date"), zone).bound(instant) == day
    assert Cursor("at", Type("timestamp"), zone).bound(instant) == datetime(day.year, day.month, day.day)
    assert Cursor("at", Type("timestamptz"), zone).bound(instant) == instant


def test_the_second_of_two_midnights_splits_its_day() -> None:
    with pytest.raises(SourceError, match="would split a day"):
        Cursor("at", Type("date"), "America/Havana").bound(datetime(2021, 11, 7, 5, tzinfo=UTC))
