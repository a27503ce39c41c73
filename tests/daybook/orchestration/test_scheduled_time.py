"""Whose day a scheduled run is: the ticks of Prefect's own schedules, one after the other, name one interval each."""

import asyncio
import functools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from typing import Any
from zoneinfo import ZoneInfo

import prefect
import pytest
from prefect._internal.schemas import validators
from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from daybook.definitions.table import Table
from daybook.load.planning.owed_intervals import expected_intervals
from daybook.load.planning.plan import plan
from daybook.model.interval import Interval
from daybook.model.interval_grid import Unit

Schedule = CronSchedule | IntervalSchedule | RRuleSchedule


@pytest.fixture(autouse=True, scope="module")
def zones_once() -> Iterator[None]:
    """Prefect lists the files of all zones whenever it validates a schedule: 10 ms, some thousand times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validators, "get_timezones", functools.cache(validators.get_timezones))
        yield


#: A year of each zone in which its clock was set forward and back; both by an hour unless it says otherwise.
ZONES = {
    "UTC": 2021,  # never
    "Asia/Kolkata": 2021,  # never, and half past
    "America/New_York": 2021,  # at 02:00
    "Europe/Berlin": 2021,  # at 02:00 and 03:00
    "Australia/Lord_Howe": 2021,  # at 02:00, by half an hour
    "America/St_Johns": 2010,  # at 00:01
    "America/Sao_Paulo": 2018,  # at 00:00
    "America/Havana": 2021,  # at 00:00 and 01:00
    "Asia/Beirut": 2022,  # at 00:00
    "Africa/Cairo": 2024,  # at 00:00
    "Pacific/Apia": 2011,  # and it skipped a date
}
#: Where there is no midnight on a day in spring, Prefect's tick of 00:15 comes an hour early: see the last tests.
WITHOUT_MIDNIGHT = {"America/St_Johns", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo"}
CHANGES = [
    ("America/New_York", datetime(2021, 3, 14, tzinfo=UTC)),
    ("America/New_York", datetime(2021, 11, 7, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2021, 3, 28, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2021, 10, 31, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, tzinfo=UTC)),
    ("America/Havana", datetime(2021, 11, 7, tzinfo=UTC)),
]


def table(unit: Unit, zone: str = "UTC", **fields: Any) -> Table:
    given = {"load": "replace_interval", "cursor": "at", "interval": unit, "timezone": zone, **fields}
    return Table(name="raw.nps", description="x", owner="x", source={"kind": "database", "table": "prod.nps"}, **given)


def ticks(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """When Prefect's server would have runs start, in UTC."""
    dates = asyncio.run(schedule.get_dates(n=1000, start=start, end=end))
    assert 2 < len(dates) < 1000, "all of them, and not Prefect's first thousand"
    return [datetime.fromisoformat(tick.isoformat()).astimezone(UTC) for tick in dates]


def named(table: Table, moments: list[datetime]) -> list[Interval]:
    """The interval that a run of each moment loads."""
    plans = [plan(table, scheduled_at=moment) for moment in moments]
    assert all(one.by_schedule and not one.whole and len(one.intervals) == 1 for one in plans)
    return [one.intervals[0] for one in plans]


def each_once(table: Table, schedule: Schedule, start: datetime, end: datetime) -> None:
    """Every interval has one tick, and was over at that tick, and the next one was not."""
    moments = ticks(schedule, start, end)
    intervals = named(table, moments)
    assert table.grid is not None
    for one, other in pairwise(intervals):
        assert one.end == other.start, f"{table.grid.label(one)} is followed by {table.grid.label(other)}"
    for moment, interval in zip(moments, intervals, strict=True):
        assert interval.end <= moment < table.grid.next(interval).end


def year_of(zone: str) -> tuple[datetime, datetime]:
    """Thirteen months around the changes of its clock."""
    local = ZoneInfo(zone)
    return datetime(ZONES[zone], 1, 1, tzinfo=local), datetime(ZONES[zone] + 1, 2, 1, tzinfo=local)


#: How far from a change of the clock three intervals of each unit reach.
REACH: dict[Unit, timedelta] = {"day": timedelta(days=4), "week": timedelta(days=11), "month": timedelta(days=100)}


def spans(unit: Unit, zone: str, whole_year: bool) -> list[tuple[datetime, datetime]]:
    """Return the thirteen months, or of them only what surrounds the new year and each change of the clock."""
    start, end = year_of(zone)
    if whole_year:
        return [(start, end)]
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    changes = [day for day, after in pairwise(days) if day.utcoffset() != after.utcoffset()]
    around = [end - timedelta(days=31), *changes]
    return [(max(start, moment - REACH[unit]), min(end, moment + REACH[unit])) for moment in around]


def test_the_spans_hold_every_change_of_a_clock() -> None:
    for zone, count in {"UTC": 0, "Europe/Berlin": 2, "Pacific/Apia": 3, "Africa/Cairo": 2}.items():
        assert len(spans("day", zone, whole_year=False)) == 1 + count


SPANS = pytest.mark.parametrize(
    "whole_year", [pytest.param(False, id="changes"), pytest.param(True, id="year", marks=pytest.mark.full)]
)


CADENCES: dict[Unit, tuple[str, ...]] = {
    "day": ("{} * * *",),
    "week": ("{} * * 1", "{} * * 3", "{} * * 0"),
    "month": ("{} 1 * *", "{} 15 * *"),
}
TIMES = ["0 0", "15 0", "0 1", "30 1", "0 2", "30 2", "0 3", "0 10", "59 23"]


# ── Days, weeks and months ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("unit", CADENCES)
@SPANS
def test_cron(unit: Unit, zone: str, whole_year: bool) -> None:
    times = [time for time in TIMES if not (zone in WITHOUT_MIDNIGHT and time.endswith(" 0"))]
    for cadence, time, span in product(CADENCES[unit], times, spans(unit, zone, whole_year)):
        each_once(table(unit, zone), CronSchedule(cron=cadence.format(time), timezone=zone), *span)


def every(step: timedelta, anchor: datetime, zone: str) -> IntervalSchedule:
    return IntervalSchedule.model_validate({"interval": step, "anchor_date": anchor, "timezone": zone})


@pytest.mark.parametrize("zone", sorted(set(ZONES) - {"Pacific/Apia"}))  # Prefect counts the date that it skipped
@pytest.mark.parametrize(("unit", "step"), [("day", timedelta(days=1)), ("week", timedelta(weeks=1))])
@SPANS
def test_interval(unit: Unit, step: timedelta, zone: str, whole_year: bool) -> None:
    for (hour, minute), span in product([(3, 0), (10, 0), (22, 45)], spans(unit, zone, whole_year)):
        anchor = datetime(ZONES[zone] - 1, 6, 7, hour, minute, tzinfo=ZoneInfo(zone))
        each_once(table(unit, zone), every(step, anchor, zone), *span)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("unit", "rule"),
    [
        ("day", "FREQ=DAILY"),
        ("week", "FREQ=WEEKLY"),
        ("week", "FREQ=WEEKLY;BYDAY=TU"),
        ("month", "FREQ=MONTHLY"),
        ("month", "FREQ=MONTHLY;BYDAY=1MO"),
    ],
)
@SPANS
def test_rrule(unit: Unit, rule: str, zone: str, whole_year: bool) -> None:
    for time, span in product(("013000", "023000", "100000", "234500"), spans(unit, zone, whole_year)):
        schedule = RRuleSchedule(rrule=f"DTSTART:{ZONES[zone] - 1}0601T{time}\nRRULE:{rule}", timezone=zone)
        each_once(table(unit, zone), schedule, *span)


@pytest.mark.parametrize("cron", ["0 6 * * *", "30 22 * * *"])
def test_a_table_and_its_schedule_may_have_clocks_of_their_own(cron: str) -> None:
    new_york = year_of("America/New_York")
    each_once(table("day", "America/New_York"), CronSchedule(cron=cron, timezone="UTC"), *new_york)
    each_once(table("day", "UTC"), CronSchedule(cron=cron, timezone="Asia/Kolkata"), *new_york)


def test_a_daily_table_is_one_whatever_the_hour() -> None:
    for hour in range(24):
        (day,) = plan(table("day"), scheduled_at=datetime(2021, 2, 6, hour, 30, tzinfo=UTC)).intervals
        assert day.start == datetime(2021, 2, 5, tzinfo=UTC)


def test_an_hourly_cron_names_a_daily_tables_day_all_day_long() -> None:
    every_hour = CronSchedule(cron="30 * * * *", timezone="UTC")

    def hours(zone: str, start: date) -> list[int]:
        first, last = (datetime.combine(start + timedelta(days=n), datetime.min.time(), ZoneInfo(zone)) for n in (0, 3))
        return list(Counter(named(table("day", zone), ticks(every_hour, first, last))).values())

    assert hours("UTC", date(2021, 2, 5)) == [24, 24, 24]
    assert hours("America/New_York", date(2021, 3, 13)) == [24, 23, 24]
    assert hours("America/New_York", date(2021, 11, 6)) == [24, 25, 24]


# ── Hours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def around(change: datetime) -> tuple[datetime, datetime]:
    return change - timedelta(days=1), change + timedelta(days=2)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_an_hourly_table_has_a_run_an_hour(zone: str, change: datetime) -> None:
    hourly = table("hour", zone)
    for minute in (0, 30, 59):
        each_once(hourly, CronSchedule(cron=f"{minute} * * * *", timezone="UTC"), *around(change))
        anchor = datetime(2010, 1, 1, 7, minute, tzinfo=UTC)
        each_once(hourly, every(timedelta(hours=1), anchor, "UTC"), *around(change))
        rule = f"DTSTART:{change.year}0101T00{minute:02}00\nRRULE:FREQ=HOURLY"
        each_once(hourly, RRuleSchedule(rrule=rule, timezone="UTC"), *around(change))


@pytest.mark.parametrize(("zone", "change"), [found for found in CHANGES if found[1].month == 3])
def test_also_on_a_clock_that_is_set_forward(zone: str, change: datetime) -> None:
    for minute in (0, 30, 59):
        each_once(table("hour", zone), CronSchedule(cron=f"{minute} * * * *", timezone=zone), *around(change))


# ── The time now, and the start ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("unit", ["hour", "day", "week", "month"])
def test_the_present_time_plays_no_part(unit: Unit) -> None:
    """Long before it and long after it it is the same, 400 years later, which are whole weeks."""
    assert (date(2390, 2, 6) - date(1990, 2, 6)).days % 7 == 0
    (before,) = named(table(unit), [datetime(1990, 2, 6, 3, 30, tzinfo=UTC)])
    (after,) = named(table(unit), [datetime(2390, 2, 6, 3, 30, tzinfo=UTC)])
    assert (before.start.replace(year=before.start.year + 400), before.end.replace(year=before.end.year + 400)) == (
        after.start,
        after.end,
    )


def test_a_table_first_runs_when_its_first_interval_is_over() -> None:
    daily = table("day", start=date(2021, 2, 5))
    moments = ticks(
        CronSchedule(cron="0 0 * * *", timezone="UTC"),
        datetime(2021, 2, 3, tzinfo=UTC),
        datetime(2021, 2, 7, tzinfo=UTC),
    )
    assert [(moment.day, plan(daily, scheduled_at=moment).label) for moment in moments] == [
        (3, "nothing yet"),
        (4, "nothing yet"),
        (5, "nothing yet"),
        (6, "2021-02-05"),
        (7, "2021-02-06"),
    ]
    hourly = table("hour", start=datetime(2021, 2, 4))
    assert plan(hourly, scheduled_at=datetime(2021, 2, 4, 0, 59, tzinfo=UTC)).label == "nothing yet"
    assert plan(hourly, scheduled_at=datetime(2021, 2, 4, 1, tzinfo=UTC)).label == "2021-02-04T00:00"


# ── What Prefect's schedules leave out is owed, and so caught up ──────────────────────────────────────────────────────


def left_out(unit: Unit, zone: str, cron: str, start: datetime, end: datetime) -> list[str]:
    """The intervals between the first that a tick names and the last, which no tick names."""
    declared = table(unit, zone, start=start, catch_up="all")
    intervals = named(declared, ticks(CronSchedule(cron=cron, timezone=zone), start + timedelta(days=1), end))
    assert declared.grid is not None
    lacking = set(expected_intervals(declared, end)) - set(intervals)
    return [declared.grid.label(one) for one in sorted(lacking) if intervals[0] < one < intervals[-1]]


def test_an_hour_that_comes_twice_has_one_tick_where_the_schedule_is_on_that_clock() -> None:
    """Prefect leaves out the second 01:00, when the first hour of the two is over. A schedule in UTC has them all."""
    start, end = datetime(2021, 11, 5, tzinfo=UTC), datetime(2021, 11, 10, tzinfo=UTC)
    assert left_out("hour", "America/New_York", "0 * * * *", start, end) == ["2021-11-07T01:00-04:00"]


def test_a_midnight_that_does_not_come_has_its_tick_an_hour_early() -> None:
    """Prefect 3.8's tick is at 23:00, when the day is not over. A schedule at any other hour has them all."""
    start, end = datetime(2018, 11, 2, tzinfo=UTC), datetime(2018, 11, 7, tzinfo=UTC)
    early = ["2018-11-03"] if prefect.__version__.startswith("3.8.") else []
    assert left_out("day", "America/Sao_Paulo", "0 0 * * *", start, end) == early
    assert left_out("day", "America/Sao_Paulo", "0 1 * * *", start, end) == []
