"""The sessions of an exchange: schedules, backfills and catch_up ask for no other days."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from daybook.definitions.table import Table
from daybook.errors import BackfillRefused
from daybook.load.planning.owed_intervals import expected_in_range, expected_intervals, with_sessions
from daybook.load.planning.plan import plan
from daybook.model.exchange_calendar import known, sessions, zone_of


def table(**fields: Any) -> Table:
    given = {"key": ["symbol", "date"], "cursor": "date", "interval": "day", "load": "upsert", "calendar": "XNYS"}
    source = {"kind": "yfinance", "symbols": ["AAPL"]}
    zone = {"timezone": "America/New_York", "start": date(2021, 1, 4)}
    return Table(name="raw.stocks", description="x", owner="x", source=source, **zone | given | fields)


def labels(table: Table, intervals: Any) -> list[str]:
    assert table.grid is not None
    return [table.grid.label(interval) for interval in intervals]


def chosen(table: Table, *days: str) -> list[str]:
    assert table.grid is not None
    return labels(table, with_sessions(table, [table.grid.at(date.fromisoformat(day)) for day in days]))


# ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "start", "end", "open_days"),
    [
        ("XNYS", date(2021, 1, 15), date(2021, 1, 21), [15, 19, 20]),  # Martin Luther King's day, and a weekend
        ("XNYS", date(2001, 9, 10), date(2001, 9, 18), [10, 17]),
        ("XNYS", date(2018, 12, 4), date(2018, 12, 7), [4, 6]),  # closed for a funeral
        ("XNYS", date(2020, 11, 27), date(2020, 11, 28), [27]),  # a short session
        ("XNYS", date(1985, 9, 26), date(1985, 9, 28), [26]),  # a hurricane, long before the library's default start
        ("NYSE", date(2021, 1, 15), date(2021, 1, 19), [15]),
        ("XTKS", date(2021, 5, 1), date(2021, 5, 8), [6, 7]),
        ("24/7", date(2021, 1, 2), date(2021, 1, 4), [2, 3]),
        ("XTKS", date(1995, 5, 1), date(1995, 5, 8), [1, 2, 3, 4, 5]),  # before the first known session: weekdays
        ("XNYS", date(2090, 1, 1), date(2090, 1, 5), [2, 3, 4]),  # after the last known session: weekdays
        ("XNYS", date(2021, 1, 16), date(2021, 1, 16), []),
    ],
)
def test_sessions(name: str, start: date, end: date, open_days: list[int]) -> None:
    assert [day.day for day in sessions(name, start, end)] == open_days


def test_an_exchange_has_a_time_zone() -> None:
    assert (zone_of("XNYS"), zone_of("XTKS")) == ("America/New_York", "Asia/Tokyo")


@pytest.mark.parametrize(("name", "near"), [("XNYC", "XNYS"), ("xnys", "XNYS"), ("NASDAK", "NASDAQ")])
def test_an_unknown_exchange_is_refused_with_a_suggestion(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"unknown exchange '{name}'; did you mean .*{near}"):
        known(name)
    with pytest.raises(ValidationError, match="calendar"):
        table(calendar=name)


@pytest.mark.parametrize("interval", ["hour", None])
def test_a_calendar_needs_intervals_of_days(interval: str | None) -> None:
    with pytest.raises(ValidationError, match="use interval: day, week or month"):
        table(interval=interval, load="replace")


def test_a_week_is_expected_to_have_rows_if_one_of_its_days_has_a_session() -> None:
    weekly = table(interval="week")
    assert weekly.grid is not None
    assert weekly.expects(weekly.grid.at(date(2021, 1, 18)))
    closed = table(interval="week", calendar="XSHG", timezone="Asia/Shanghai")
    assert closed.grid is not None
    assert not closed.expects(closed.grid.at(date(2024, 2, 12))), "the week of the Spring Festival"


# ── Scheduled runs ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("scheduled", "label", "idle"),
    [
        (datetime(2021, 1, 16, 10, tzinfo=UTC), "2021-01-15", None),
        (datetime(2021, 1, 17, 10, tzinfo=UTC), "2021-01-16, closed", "XNYS had no session"),
        (datetime(2021, 1, 19, 10, tzinfo=UTC), "2021-01-18, closed", "XNYS had no session"),
        (datetime(2021, 1, 20, 10, tzinfo=UTC), "2021-01-19", None),
        (datetime(2021, 1, 4, 10, tzinfo=UTC), "nothing yet", "nothing is due yet: it starts on 2021-01-04"),
    ],
    ids=["Saturday", "Sunday", "after a holiday", "two days after", "before the start"],
)
def test_a_scheduled_run_has_nothing_to_do_after_a_closed_day(
    scheduled: datetime, label: str, idle: str | None
) -> None:
    planned = plan(table(), scheduled_at=scheduled)
    assert (planned.label, planned.idle, bool(planned.intervals)) == (label, idle, idle is None)


def test_a_closed_day_is_loaded_if_a_person_names_it() -> None:
    assert plan(table(), date(2021, 1, 16)).intervals


# ── Missing intervals ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_closed_days_are_asked_for_only_between_sessions() -> None:
    friday, saturday, sunday, monday, tuesday = (f"2021-01-{day:02}" for day in range(8, 13))
    assert chosen(table(), friday, saturday, sunday, monday) == [friday, saturday, sunday, monday]
    assert chosen(table(), saturday, sunday) == []
    assert chosen(table(), saturday, sunday, monday, tuesday) == [monday, tuesday]
    assert chosen(table(), friday, saturday) == [friday]
    assert chosen(table(), friday, saturday, monday) == [friday, monday], "Sunday is loaded: two runs"
    assert chosen(table(), "2021-01-01", "2021-01-02", "2021-01-18") == []
    assert chosen(table()) == []
    assert chosen(table(calendar=None), saturday, sunday) == [saturday, sunday]


def test_a_backfill_without_any_session_is_refused() -> None:
    with pytest.raises(
        BackfillRefused, match=r"XNYS had no session from 2021-01-16 until 2021-01-19, so there is noth"
    ):
        expected_in_range(table(), date(2021, 1, 16), date(2021, 1, 19))
    assert len(expected_in_range(table(), date(2021, 1, 16), date(2021, 1, 20))) == 4


def test_the_latest_expected_interval_is_a_day_with_a_session() -> None:
    latest = table(catch_up="latest")
    assert labels(latest, expected_intervals(latest, datetime(2021, 1, 19, 12, tzinfo=UTC))) == ["2021-01-15"]
    assert labels(latest, expected_intervals(latest, datetime(2021, 1, 4, 12, tzinfo=UTC))) == []


def test_ten_years_of_sessions_are_looked_up_at_once() -> None:
    """The calendar is built once, not once per day."""
    decade = table(start=date(2011, 1, 3))
    intervals = expected_intervals(decade, datetime(2021, 1, 2, 12, tzinfo=UTC))
    kept = with_sessions(decade, intervals)
    assert len(intervals) - len(kept) == 1, "New Year's Day, at the end"
    assert intervals[-1].end - intervals[0].start > timedelta(days=3600)
