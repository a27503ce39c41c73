"""The grid: examples to check by hand, and properties that hold for every zone, unit and instant."""

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo, available_timezones

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.errors import IntervalError
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, Unit, parse
from daybook.model.timezones import local_boundary

HOUR = timedelta(hours=1)

# Changes of the local clock that break simple arithmetic: (zone, an instant within a few hours of the change).
CHANGES = [
    ("America/New_York", datetime(2021, 3, 14, 7, tzinfo=UTC)),  # forward an hour
    ("America/New_York", datetime(2021, 11, 7, 6, tzinfo=UTC)),  # back an hour
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),  # no midnight
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),  # 24:00 -> 23:00
    ("Asia/Beirut", datetime(2022, 3, 26, 22, tzinfo=UTC)),  # no midnight
    ("Africa/Cairo", datetime(2024, 4, 25, 22, tzinfo=UTC)),  # no midnight
    ("America/Havana", datetime(2021, 11, 7, 5, tzinfo=UTC)),  # midnight twice: 01:00 -> 00:00
    ("America/St_Johns", datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),  # midnight twice: 00:01 -> 23:01
    ("Australia/Lord_Howe", datetime(2021, 10, 2, 15, 30, tzinfo=UTC)),  # forward half an hour
    ("Australia/Lord_Howe", datetime(2021, 4, 3, 15, tzinfo=UTC)),  # back half an hour
    ("Antarctica/Troll", datetime(2021, 10, 31, 1, tzinfo=UTC)),  # back two hours
    ("Antarctica/Casey", datetime(2020, 10, 3, 16, 1, tzinfo=UTC)),  # forward three hours, at 00:01
    ("America/Caracas", datetime(2016, 5, 1, 7, tzinfo=UTC)),  # from -04:30 to -04:00, for good
    ("Asia/Kathmandu", datetime(1985, 12, 31, 18, 30, tzinfo=UTC)),  # from +05:30 to +05:45, at midnight
    ("Asia/Pyongyang", datetime(2015, 8, 14, 15, tzinfo=UTC)),  # from +09:00 to +08:30, at midnight
    ("Africa/Monrovia", datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC)),  # from -00:44:30 to UTC
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),  # skips 2011-12-30
    ("Pacific/Kwajalein", datetime(1993, 8, 21, 12, tzinfo=UTC)),  # skips 1993-08-21
    ("Asia/Kolkata", datetime(2021, 2, 5, tzinfo=UTC)),  # no change, but half past
]

UNITS: tuple[Unit, ...] = get_args(Unit)


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type, misc]


def labels(grid: Grid, intervals: list[Interval]) -> list[str]:
    return [grid.label(interval) for interval in intervals]


# ── Examples ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("unit", "zone", "when", "start", "end"),
    [
        ("day", "UTC", date(2021, 2, 5), utc(2021, 2, 5), utc(2021, 2, 6)),
        ("day", "America/New_York", date(2021, 3, 14), utc(2021, 3, 14, 5), utc(2021, 3, 15, 4)),  # 23 hours
        ("day", "America/New_York", date(2021, 11, 7), utc(2021, 11, 7, 4), utc(2021, 11, 8, 5)),  # 25 hours
        ("day", "Asia/Kathmandu", date(2021, 2, 5), utc(2021, 2, 4, 18, 15), utc(2021, 2, 5, 18, 15)),
        ("day", "America/Sao_Paulo", date(2018, 11, 4), utc(2018, 11, 4, 3), utc(2018, 11, 5, 2)),  # from 01:00
        ("day", "America/Sao_Paulo", datetime(2018, 11, 4), utc(2018, 11, 4, 3), utc(2018, 11, 5, 2)),
        ("day", "Pacific/Apia", date(2011, 12, 29), utc(2011, 12, 29, 10), utc(2011, 12, 30, 10)),
        ("day", "America/New_York", utc(2021, 2, 5, 5), utc(2021, 2, 5, 5), utc(2021, 2, 6, 5)),
        ("week", "UTC", date(2021, 2, 1), utc(2021, 2, 1), utc(2021, 2, 8)),
        ("month", "UTC", date(2021, 2, 1), utc(2021, 2, 1), utc(2021, 3, 1)),
        ("month", "UTC", date(2021, 12, 1), utc(2021, 12, 1), utc(2022, 1, 1)),
        ("month", "America/New_York", date(2021, 3, 1), utc(2021, 3, 1, 5), utc(2021, 4, 1, 4)),
        ("hour", "UTC", datetime(2021, 2, 5, 13), utc(2021, 2, 5, 13), utc(2021, 2, 5, 14)),
        ("hour", "UTC", date(2021, 2, 5), utc(2021, 2, 5), utc(2021, 2, 5, 1)),
        ("hour", "Asia/Kolkata", datetime(2021, 2, 5, 13), utc(2021, 2, 5, 7, 30), utc(2021, 2, 5, 8, 30)),
        ("hour", "America/New_York", datetime(2021, 3, 14, 1), utc(2021, 3, 14, 6), utc(2021, 3, 14, 7)),
        ("hour", "America/New_York", datetime(2021, 3, 14, 3), utc(2021, 3, 14, 7), utc(2021, 3, 14, 8)),
        ("hour", "Australia/Lord_Howe", datetime(2021, 10, 3, 1), utc(2021, 10, 2, 14, 30), utc(2021, 10, 2, 16)),
        ("hour", "Australia/Lord_Howe", datetime(2021, 4, 4, 1), utc(2021, 4, 3, 14), utc(2021, 4, 3, 15, 30)),
    ],
)
def test_at(unit: Unit, zone: str, when: date | datetime, start: datetime, end: datetime) -> None:
    assert Grid(unit, zone).at(when) == Interval(start, end)


@pytest.mark.parametrize(
    ("unit", "when", "this", "following"),
    [
        ("week", date(2021, 2, 3), "2021-02-01", "2021-02-08"),
        ("month", date(2021, 2, 15), "2021-02-01", "2021-03-01"),
        ("day", datetime(2021, 2, 5, 2), "2021-02-05", "2021-02-06"),
        ("day", utc(2021, 2, 5), "2021-02-04", "2021-02-05"),
        ("hour", datetime(2021, 2, 5, 1, 30), "2021-02-05T01:00", "2021-02-05T02:00"),
        ("hour", datetime(2021, 2, 5, 1, 0, 0, 1), "2021-02-05T01:00", "2021-02-05T02:00"),
        ("hour", utc(2021, 11, 7, 5, 30), "2021-11-07T01:00-04:00", "2021-11-07T01:00-05:00"),
    ],
)
def test_at_suggests_what_to_type(unit: Unit, when: date | datetime, this: str, following: str) -> None:
    grid = Grid(unit, "America/New_York")
    with pytest.raises(IntervalError) as refusal:
        grid.at(when)
    assert f"No {unit} starts at {when.isoformat()}" in str(refusal.value)
    assert f"Type {this} for the {unit} that contains it, or {following} for the next." in str(refusal.value)
    assert grid.next(grid.at(parse(this))) == grid.at(parse(following))


def test_a_date_that_the_zone_skipped_has_no_interval() -> None:
    grid = Grid("day", "Pacific/Apia")
    with pytest.raises(IntervalError, match=r"2011-12-30 never happened in Pacific/Apia: .* Type 2011-12-31\."):
        grid.at(date(2011, 12, 30))
    assert labels(grid, grid.between(date(2011, 12, 28), date(2012, 1, 2))) == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]


def test_the_repeated_hour_is_two_intervals() -> None:
    grid = Grid("hour", "America/New_York")
    night = grid.between(datetime(2021, 11, 7), datetime(2021, 11, 7, 3))
    assert labels(grid, night) == [
        "2021-11-07T00:00",
        "2021-11-07T01:00-04:00",
        "2021-11-07T01:00-05:00",
        "2021-11-07T02:00",
    ]
    assert {interval.end - interval.start for interval in night} == {HOUR}
    with pytest.raises(IntervalError, match="happened twice in America/New_York"):
        grid.at(datetime(2021, 11, 7, 1))


def test_lord_howe_has_one_hour_of_ninety_minutes_at_each_shift() -> None:
    grid = Grid("hour", "Australia/Lord_Howe")
    night = grid.between(datetime(2021, 4, 4), datetime(2021, 4, 4, 4))
    assert labels(grid, night) == ["2021-04-04T00:00", "2021-04-04T01:00", "2021-04-04T02:00", "2021-04-04T03:00"]
    assert [(interval.end - interval.start) / HOUR for interval in night] == [1, 1.5, 1, 1]


@pytest.mark.parametrize(
    ("unit", "zone", "when", "label"),
    [
        ("day", "UTC", utc(2021, 2, 5, 23, 59, 59, 999999), "2021-02-05"),
        ("day", "America/New_York", utc(2021, 2, 5, 4, 59), "2021-02-04"),
        ("day", "UTC", date(2021, 2, 5), "2021-02-05"),
        ("week", "UTC", datetime(2021, 1, 3, 12), "2020-12-28"),
        ("month", "Asia/Tokyo", utc(2021, 1, 31, 15), "2021-02-01"),
        ("hour", "America/New_York", utc(2021, 11, 7, 6, 59), "2021-11-07T01:00-05:00"),
        ("hour", "Asia/Kathmandu", utc(2021, 2, 5, 0, 14), "2021-02-05T05:00"),
        # St John's set its clock back at 00:01 on the 7th, into the 6th: the 7th had started, and continues
        ("day", "America/St_Johns", utc(2010, 11, 7, 3), "2010-11-07"),
    ],
)
def test_containing_and_label(unit: Unit, zone: str, when: date | datetime, label: str) -> None:
    grid = Grid(unit, zone)
    assert grid.label(grid.containing(when)) == label


@pytest.mark.parametrize(
    ("unit", "instant", "label"),
    [
        ("day", utc(2021, 2, 6, 0), "2021-02-05"),
        ("day", utc(2021, 2, 5, 23, 59, 59), "2021-02-04"),
        ("hour", utc(2021, 2, 5, 13, 30), "2021-02-05T12:00"),  # `30 * * * *` loads the hour before
        ("week", utc(2021, 2, 7, 23), "2021-01-25"),
        ("week", utc(2021, 2, 8), "2021-02-01"),
        ("month", utc(2021, 3, 1, 9), "2021-02-01"),
    ],
)
def test_last_complete(unit: Unit, instant: datetime, label: str) -> None:
    grid = Grid(unit)
    assert grid.label(grid.last_complete(instant)) == label


@pytest.mark.parametrize(
    ("unit", "start", "instant", "expected"),
    [
        ("day", date(2021, 2, 5), utc(2021, 2, 5, 23, 59), []),
        ("day", date(2021, 2, 5), utc(2021, 2, 6), ["2021-02-05"]),
        ("day", datetime(2020, 8, 10, 2), utc(2020, 8, 13, 20), ["2020-08-10", "2020-08-11", "2020-08-12"]),
        ("hour", datetime(2021, 2, 4), utc(2021, 2, 4, 0, 59, 59), []),
        ("hour", datetime(2021, 2, 4), utc(2021, 2, 4, 1), ["2021-02-04T00:00"]),
        ("week", date(2021, 2, 3), utc(2021, 2, 15), ["2021-02-01", "2021-02-08"]),
        ("month", date(2021, 1, 15), utc(2021, 3, 1), ["2021-01-01", "2021-02-01"]),
        ("day", date(2031, 2, 5), utc(2021, 2, 6), []),
    ],
)
def test_due(unit: Unit, start: date, instant: datetime, expected: list[str]) -> None:
    grid = Grid(unit)
    assert labels(grid, grid.due(start, instant)) == expected
    if expected:
        assert grid.label(grid.first(start)) == expected[0]
        assert grid.label(grid.last_complete(instant)) == expected[-1]


def test_an_instant_without_a_time_zone_is_refused() -> None:
    for ask in (Grid("day").last_complete, lambda instant: Grid("day").due(date(2021, 2, 5), instant)):
        with pytest.raises(IntervalError, match="add a time zone"):
            ask(datetime(2021, 2, 6))


def test_july_is_31_days_without_august() -> None:
    grid = Grid("day", "Europe/Berlin")
    july = labels(grid, grid.between(date(2018, 7, 1), date(2018, 8, 1)))
    assert (len(july), july[0], july[-1]) == (31, "2018-07-01", "2018-07-31")


def test_ten_years_of_hours() -> None:
    hours = Grid("hour", "America/New_York").between(date(2011, 1, 1), date(2021, 1, 1))
    assert len(hours) == 87_672  # 3,653 days; each November returns the hour that March lost


@pytest.mark.parametrize(("start", "end"), [(date(2021, 2, 5), date(2021, 2, 5)), (date(2021, 2, 5), date(2021, 2, 4))])
def test_an_empty_or_inverted_range_is_refused(start: date, end: date) -> None:
    with pytest.raises(IntervalError, match=r"For the day 2021-02-05 alone, end with 2021-02-06\."):
        Grid("day").between(start, end)


def test_a_range_off_the_grid_is_refused() -> None:
    grid = Grid("week")
    with pytest.raises(IntervalError, match="No week starts at 2021-02-02"):
        grid.between(date(2021, 2, 2), date(2021, 2, 15))
    with pytest.raises(IntervalError, match="No week starts at 2021-02-16"):
        grid.between(date(2021, 2, 1), date(2021, 2, 16))


def test_an_interval_of_another_grid_is_refused() -> None:
    week = Grid("week").at(date(2021, 2, 1))
    for ask in (Grid("day").label, Grid("day").next, Grid("day").previous):
        with pytest.raises(IntervalError, match="is not a day in UTC"):
            ask(week)


def test_an_unknown_unit_or_zone_is_refused() -> None:
    with pytest.raises(IntervalError, match="Unknown interval 'year': expected one of hour, day, week, month"):
        Grid("year")  # type: ignore[arg-type]
    with pytest.raises(IntervalError, match="did you mean 'Europe/Berlin'"):
        Grid("day", "Europe/Berln")


def test_a_grid_is_a_value() -> None:
    grid = Grid("day", "America/New_York")
    assert {grid, Grid("day", "America/New_York"), pickle.loads(pickle.dumps(grid))} == {grid}
    assert grid != Grid("day")
    assert repr(grid) == "Grid(unit='day', timezone='America/New_York')"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2021-02-05", date(2021, 2, 5)),
        (" 2021-02-05\n", date(2021, 2, 5)),
        ("2021-02", date(2021, 2, 1)),
        ("2021-02-05T13:00", datetime(2021, 2, 5, 13)),
        ("2021-02-05 13:00:30", datetime(2021, 2, 5, 13, 0, 30)),
        ("2021-02-05T13:00Z", utc(2021, 2, 5, 13)),
        ("2021-11-07T01:00-04:00", utc(2021, 11, 7, 5)),
    ],
)
def test_parse(text: str, meant: date | datetime) -> None:
    found = parse(text)
    assert (found, type(found)) == (meant, type(meant))


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "20210205", "2021-W05", "2021", "05.02.2021", "2021-2-5", "2021-02-05T24:00", "2021-02-05T13"],
)
def test_parse_refuses_ambiguous_and_unknown_forms(text: str) -> None:
    with pytest.raises(IntervalError, match="expected 2021-02-05, 2021-02, 2021-02-05T13:00 or"):
        parse(text)


@pytest.mark.parametrize("text", ["2021-02-30", "2021-13", "0000-01-01", "2021-02-30T13:00"])
def test_parse_refuses_dates_that_are_not_in_the_calendar(text: str) -> None:
    with pytest.raises(IntervalError, match=f"'{text}' is not a valid date or time"):
        parse(text)


# ── Properties ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_the_grid_follows_its_definition(zone: str, change: datetime) -> None:
    """The test applies the definition to the local clock every 30 seconds, two days before and after each change."""
    shown, latest = ZoneInfo(zone), date.min
    starts: dict[Unit, list[datetime]] = {"hour": [], "day": []}
    begin, end = change - timedelta(days=2), change + timedelta(days=2)
    for tick in range((end - begin) // timedelta(seconds=30)):
        instant = begin + tick * timedelta(seconds=30)
        local = instant.astimezone(shown)
        if local.minute == local.second == 0:
            starts["hour"].append(instant)
        if local.date() > latest:
            latest = local.date()
            starts["day"].append(instant)
    for unit, expected in starts.items():
        grid = Grid(unit, zone)
        inner = [start for start in expected if begin < start]
        assert grid.between(inner[0], inner[-1]) == [Interval(*ends) for ends in pairwise(inner)]


@pytest.mark.parametrize(("zone", "change"), [case for case in CHANGES if case[0] != "Antarctica/Troll"])
@pytest.mark.parametrize("unit", UNITS)
def test_a_cursor_without_a_zone_is_in_exactly_one_interval(unit: Unit, zone: str, change: datetime) -> None:
    """Each time that the local clock shows is within the local boundaries of exactly one interval."""
    grid = Grid(unit, zone)
    intervals = [grid.containing(change - timedelta(days=2))]
    while intervals[-1].end < change + timedelta(days=2):
        intervals.append(grid.next(intervals[-1]))
    bounds = [(local_boundary(i.start, zone), local_boundary(i.end, zone)) for i in intervals]
    for tick in range(4 * 24 * 4):
        shown = local_boundary(change - timedelta(days=2) + tick * timedelta(minutes=15), zone)
        assert sum(lower <= shown < upper for lower, upper in bounds) == 1, shown


anywhere = st.sampled_from(sorted(available_timezones()))
anytime = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
near_a_change = st.builds(
    lambda change, away: (change[0], change[1] + away),
    st.sampled_from(CHANGES),
    st.timedeltas(timedelta(hours=-30), timedelta(hours=30)),
)


@pytest.mark.parametrize("unit", UNITS)
@given(place=st.one_of(st.tuples(anywhere, anytime), near_a_change))
def test_the_grid_is_a_partition_of_time(unit: Unit, place: tuple[str, datetime]) -> None:
    zone, instant = place
    grid = Grid(unit, zone)
    interval = grid.containing(instant)
    assert interval.start <= instant < interval.end

    following, before = grid.next(interval), grid.previous(interval)
    assert before.end == interval.start
    assert interval.end == following.start
    assert grid.previous(following) == interval == grid.next(before)
    assert grid.last_complete(instant) == before
    assert grid.last_complete(interval.end) == interval

    assert grid.at(interval.start) == interval
    assert grid.at(parse(grid.label(interval))) == interval
    assert grid.containing(interval.end - timedelta.resolution) == interval


@pytest.mark.parametrize("unit", UNITS)
@given(place=st.one_of(st.tuples(anywhere, anytime), near_a_change), count=st.integers(1, 40))
def test_a_range_is_a_sequence_of_adjacent_intervals(unit: Unit, place: tuple[str, datetime], count: int) -> None:
    zone, instant = place
    grid = Grid(unit, zone)
    expected = [grid.containing(instant)]
    while len(expected) < count:
        expected.append(grid.next(expected[-1]))
    assert grid.between(expected[0].start, expected[-1].end) == expected
    typed = [parse(text) for text in grid.dates(expected[0], expected[-1]).values()]
    assert ([grid.at(*typed)] if count == 1 else grid.between(*typed)) == expected
    assert grid.due(instant, expected[-1].end) == expected
    assert grid.due(instant, expected[-1].end - timedelta.resolution) == expected[:-1]


def test_an_instant_of_prefect_gives_the_same_interval() -> None:
    """Prefect passes the scheduled time as a pendulum.DateTime, a datetime with its own arithmetic."""
    instant = datetime(2021, 2, 5, 13, 30, tzinfo=UTC)
    of_prefect = pendulum.instance(instant)
    for unit in get_args(Unit):
        grid = Grid(unit, "Europe/Berlin")
        found = grid.last_complete(of_prefect)
        assert found == grid.last_complete(instant)
        assert type(found.start) is type(found.end) is datetime
