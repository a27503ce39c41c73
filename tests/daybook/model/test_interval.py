"""Interval: the ends that it accepts, how it compares, and how a log shows it."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from daybook.errors import IntervalError
from daybook.model.interval import Interval


def day(number: int) -> datetime:
    return datetime(2021, 2, number, tzinfo=UTC)


def test_keeps_both_ends_in_utc() -> None:
    new_york = ZoneInfo("America/New_York")
    interval = Interval(datetime(2021, 3, 14, tzinfo=new_york), datetime(2021, 3, 15, tzinfo=new_york))
    assert (interval.start, interval.end) == (
        datetime(2021, 3, 14, 5, tzinfo=UTC),
        datetime(2021, 3, 15, 4, tzinfo=UTC),
    )
    assert interval.start.tzinfo is interval.end.tzinfo is UTC


def test_equality_and_hash_depend_on_the_time_that_it_covers() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert {Interval(day(5), day(6)), Interval(day(5).astimezone(tokyo), day(6).astimezone(tokyo))} == {
        Interval(day(5), day(6))
    }


def test_sorts_by_start_then_end() -> None:
    first, second, third = Interval(day(5), day(6)), Interval(day(5), day(7)), Interval(day(6), day(7))
    assert sorted([third, second, first]) == [first, second, third]


@pytest.mark.parametrize(("start", "end"), [(day(5), day(5)), (day(6), day(5))], ids=["empty", "inverted"])
def test_refuses_an_interval_that_is_empty_or_inverted(start: datetime, end: datetime) -> None:
    with pytest.raises(IntervalError, match="the start is inclusive and the end is exclusive"):
        Interval(start, end)


def test_refuses_a_datetime_without_a_time_zone() -> None:
    with pytest.raises(IntervalError, match=r"The start .* 2021-02-05T00:00:00 has no time zone"):
        Interval(datetime(2021, 2, 5), day(6))
    with pytest.raises(IntervalError, match=r"The end .* 2021-02-06T00:00:00 has no time zone"):
        Interval(day(5), datetime(2021, 2, 6))


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (day(5), day(6), "2021-02-05T00:00Z/2021-02-06T00:00Z"),
        (day(5), day(6) + timedelta(seconds=1), "2021-02-05T00:00Z/2021-02-06T00:00:01Z"),
        (day(5) + timedelta(microseconds=1), day(6), "2021-02-05T00:00:00.000001Z/2021-02-06T00:00Z"),
    ],
)
def test_is_shown_as_iso_8601_in_utc(start: datetime, end: datetime, text: str) -> None:
    assert str(Interval(start, end)) == text


@pytest.mark.parametrize(
    ("other", "contains", "overlaps"),
    [
        (Interval(day(5), day(8)), True, True),
        (Interval(day(6), day(7)), True, True),
        (Interval(day(4), day(6)), False, True),
        (Interval(day(7), day(9)), False, True),
        (Interval(day(4), day(9)), False, True),
        (Interval(day(4), day(5)), False, False),
        (Interval(day(8), day(9)), False, False),
    ],
)
def test_contains_and_overlaps(other: Interval, contains: bool, overlaps: bool) -> None:
    interval = Interval(day(5), day(8))
    assert interval.contains(other) is contains
    assert interval.overlaps(other) is other.overlaps(interval) is overlaps
