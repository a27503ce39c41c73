"""Which intervals a range names and a table owes, and what is refused, with its words."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import BackfillRefused
from daybook.load.planning.owed_intervals import expected_in_range, expected_intervals


def table(**fields: Any) -> Table:
    given = {"cursor": "at", "interval": "day", "load": "replace_interval", **fields}
    return Table(name="raw.nps", description="x", owner="x", source={"kind": "database", "table": "prod.nps"}, **given)


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type, misc]


def labels(table: Table, now: datetime) -> list[str]:
    assert table.grid is not None
    return [table.grid.label(interval) for interval in expected_intervals(table, now)]


# ── A range ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_range_ends_before_its_end() -> None:
    intervals = expected_in_range(table(), date(2018, 7, 1), date(2018, 8, 1))
    assert len(intervals) == 31
    assert intervals[0].start == utc(2018, 7, 1) and intervals[-1].end == utc(2018, 8, 1)


def test_a_range_is_on_the_clock_of_the_table() -> None:
    hours = expected_in_range(
        table(interval="hour", timezone="America/New_York"), datetime(2021, 3, 14), datetime(2021, 3, 15)
    )
    assert len(hours) == 23 and hours[0].start == utc(2021, 3, 14, 5)


def test_a_range_may_end_with_the_newest_that_is_over() -> None:
    newest = datetime.now(UTC).date() - timedelta(days=1)
    (only,) = expected_in_range(table(), newest, newest + timedelta(days=1))
    assert only.start.date() == newest


def test_a_table_without_start_takes_any_range() -> None:
    assert len(expected_in_range(table(interval="month"), date(1990, 1, 1), date(1990, 3, 1))) == 2


def test_before_the_start_by_a_flag() -> None:
    days = expected_in_range(table(start=date(2021, 2, 5)), date(2021, 2, 3), date(2021, 2, 7), allow_before_start=True)
    assert len(days) == 4


def test_the_day_that_the_start_lies_in_is_owed_in_full() -> None:
    assert expected_in_range(table(start=datetime(2020, 8, 10, 2)), date(2020, 8, 10), date(2020, 8, 11))


def refused(table: Table, start: date, end: date) -> str:
    with pytest.raises(BackfillRefused) as caught:
        expected_in_range(table, start, end)
    assert "raw.nps" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("end", [date(2021, 2, 5), date(2021, 2, 1)], ids=["empty", "inverted"])
def test_refuses_a_range_without_time_in_it(end: date) -> None:
    said = refused(table(), date(2021, 2, 5), end)
    assert f"The range from 2021-02-05 to {end} contains no day: the start is inclusive, the end exclusive" in said
    assert "end with 2021-02-06" in said


def test_refuses_the_future() -> None:
    today = datetime.now(UTC).date()
    for start, end in [
        (today - timedelta(days=3), today + timedelta(days=1)),
        (today, today + timedelta(days=2)),
        (today + timedelta(days=30), today + timedelta(days=31)),
    ]:
        said = refused(table(), start, end)
        assert f"ends in the future: {end - timedelta(days=1)} is not over yet" in said
        assert f"The last complete day is {today - timedelta(days=1)}: end the range with {today}" in said


def test_refuses_what_is_before_the_start() -> None:
    said = refused(table(start=date(2021, 2, 5)), date(2021, 2, 4), date(2021, 2, 8))
    assert (
        "2021-02-04 is before the table's start, 2021-02-05: begin the range there, or set allow_before_start" in said
    )


@pytest.mark.parametrize(
    ("unit", "start", "end", "said"),
    [
        ("day", datetime(2021, 2, 5, 2), date(2021, 2, 7), "No day starts at 2021-02-05T02:00:00 (days start at midn"),
        (
            "day",
            date(2021, 2, 5),
            datetime(2021, 2, 7, 2),
            "Type 2021-02-07 for the day that contains it, or 2021-02-08",
        ),
        ("hour", datetime(2021, 2, 5, 2, 30), date(2021, 2, 7), "Type 2021-02-05T02:00 for the hour that contains it"),
        ("week", date(2021, 2, 5), date(2021, 2, 8), "Type 2021-02-01 for the week that contains it, or 2021-02-08"),
        ("month", date(2021, 2, 5), date(2021, 4, 1), "Type 2021-02-01 for the month that contains it, or 2021-03-01"),
    ],
)
def test_refuses_what_is_off_the_grid(unit: str, start: date, end: date, said: str) -> None:
    assert said in refused(table(interval=unit), start, end)


@pytest.mark.parametrize("interval", [None, "day"])
def test_refuses_a_table_that_is_always_replaced(interval: str | None) -> None:
    said = refused(table(load="replace", interval=interval), date(2021, 2, 5), date(2021, 2, 6))
    assert "load: replace: it is always loaded whole and has no intervals" in said


# ── What is owed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_daily_table_first_owes_its_start_a_day_later() -> None:
    daily = table(start=date(2021, 2, 5))
    assert labels(daily, utc(2021, 2, 5, 23, 59, 59)) == []
    assert labels(daily, utc(2021, 2, 6)) == ["2021-02-05"]


def test_an_hourly_table_first_owes_its_start_an_hour_later() -> None:
    hourly = table(start=datetime(2021, 2, 4), interval="hour")
    assert labels(hourly, utc(2021, 2, 4, 0, 59, 59)) == []
    assert labels(hourly, utc(2021, 2, 4, 1)) == ["2021-02-04T00:00"]


def test_a_table_that_is_switched_on_late_owes_every_day_since_its_start() -> None:
    daily = table(start=datetime(2020, 8, 10, 2))
    assert labels(daily, utc(2020, 8, 13, 20)) == ["2020-08-10", "2020-08-11", "2020-08-12"]


def test_policies() -> None:
    now, start = utc(2021, 2, 8, 12), date(2021, 2, 5)
    everything = ["2021-02-05", "2021-02-06", "2021-02-07"]
    assert labels(table(start=start), now) == everything, "the default, where there is a start"
    assert labels(table(start=start, catch_up="all"), now) == everything
    assert labels(table(start=start, catch_up="latest"), now) == ["2021-02-07"]
    assert labels(table(start=start, catch_up="none"), now) == []
    assert labels(table(), now) == [], "the default, where there is none"
    assert labels(table(catch_up="latest"), now) == ["2021-02-07"]
    assert labels(table(start=start, catch_up="latest"), utc(2021, 2, 5, 12)) == [], "the first is not over yet"
    for catch_up in (None, "latest", "none"):
        assert expected_intervals(table(load="replace", start=start, catch_up=catch_up), now) == []
        assert expected_intervals(table(load="replace", interval=None, cursor=None, catch_up=catch_up), now) == []


def test_what_is_owed_is_on_the_clock_of_the_table() -> None:
    daily = table(start=date(2021, 3, 13), timezone="America/New_York")
    assert labels(daily, utc(2021, 3, 15, 3, 59)) == ["2021-03-13"]
    assert labels(daily, utc(2021, 3, 15, 4)) == ["2021-03-13", "2021-03-14"], "a day of 23 hours"
