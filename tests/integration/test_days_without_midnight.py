"""Intervals that start at a clock change: loads, audits and summaries have the rows that their dates say.

Most of them start at 01:00, because the clock jumps over midnight. A date, and a time that is truncated to its day, is
still that midnight.
"""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.audit.verdict import Verdict
from daybook.backfill.dry_run import forecast
from daybook.ledger.interval_status import read_statuses
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, Unit
from daybook.model.timezones import wall_clock
from tests.support.source_and_warehouse import Endpoints
from tests.support.summary_cli import Desk

pytestmark = pytest.mark.any_warehouse

DAY = timedelta(days=1)
NOON = time(12)
#: (unit, time zone, the first day of the interval that starts at a clock change)
CASES: dict[str, tuple[Unit, str, date]] = {
    "Santiago": ("day", "America/Santiago", date(2024, 9, 8)),  # 00:00 -> 01:00
    "Santiago, back": ("day", "America/Santiago", date(2024, 4, 7)),  # 24:00 -> 23:00
    "Beirut": ("day", "Asia/Beirut", date(2024, 3, 31)),
    "Havana, back": ("day", "America/Havana", date(2021, 11, 7)),  # 01:00 -> 00:00
    "Apia": ("day", "Pacific/Apia", date(2011, 12, 31)),  # the date before is skipped
    "a week of Tehran": ("week", "Asia/Tehran", date(2021, 3, 22)),  # 00:00 -> 01:00
    "a month of Asuncion": ("month", "America/Asuncion", date(2017, 10, 1)),  # 00:00 -> 01:00
}


def intervals_of(case: str) -> tuple[Grid, list[Interval]]:
    """Return the grid of a case, and its interval between the two neighbours."""
    unit, zone, day = CASES[case]
    grid = Grid(unit, zone)
    interval = grid.at(day)
    return grid, [grid.previous(interval), interval, grid.next(interval)]


def dates_of(grid: Grid, interval: Interval) -> list[date]:
    """Return the dates of an interval, without those that its zone skipped."""
    zone = grid._zone
    first = wall_clock(interval.start, zone).date()
    days = (first + n * DAY for n in range((wall_clock(interval.end, zone).date() - first).days))
    return [day for day in days if wall_clock(datetime.combine(day, NOON, zone).astimezone(UTC), zone).date() == day]


@pytest.mark.each_value
@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("case", CASES)
def test_loads(ends: Endpoints, case: str, kind: str) -> None:
    assert ends.source is not None
    grid, intervals = intervals_of(case)
    rows: dict[Interval, list[Any]] = {}
    for interval in intervals:
        midnights = [datetime.combine(day, time()) for day in dates_of(grid, interval)]
        values: list[Any] = [*midnights, *(midnight + timedelta(hours=12) for midnight in midnights)]
        if kind == "date":
            values = dates_of(grid, interval)
        elif kind == "timestamptz":
            values = [interval.start, interval.end - timedelta(seconds=1)]
        rows[interval] = sorted(values)
    every = [value for interval in intervals for value in rows[interval]]
    of_mysql = {"timestamp": "datetime", "timestamptz": "timestamp"}.get(kind, kind)
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at {of_mysql if ends.source.is_mysql else kind})")
    ends.source.run("CREATE INDEX things_at ON things (at)")
    plain = ends.source.is_mysql and kind == "timestamptz"
    ends.source.insert("things", [(n, at.replace(tzinfo=None) if plain else at) for n, at in enumerate(every)])
    options = {"interval": grid.unit, "timezone": grid.timezone, "start": grid.label(intervals[0])}
    table = ends.table(load="replace_interval", key=["id"], cursor="at", **options)

    def found() -> list[Any]:
        return [at for (at,) in ends.rows(table, "at")]

    loaded: list[Any] = []
    for interval in intervals:
        assert ends.load(table, grid.label(interval)).rows == len(rows[interval])
        loaded += rows[interval]
        assert found() == sorted(loaded)
    for interval in reversed(intervals):
        ends.load(table, grid.label(interval))
        assert found() == sorted(every)
    assert ends.load(table, grid.label(intervals[0]), grid.until(intervals[-1])).rows == len(every)
    assert found() == sorted(every)

    statuses = read_statuses(ends.warehouse, table.name, intervals)
    assert [one.at_source for one in forecast(table, statuses, "missing", ends)] == [len(rows[i]) for i in intervals]
    assert {one.verdict for one in audit(table, intervals, ends.warehouse, ends)} == {Verdict.EQUAL}

    assert ends.load(table).rows == len(every)
    assert found() == sorted(every)
    assert {one.verdict for one in audit(table, intervals, ends.warehouse, ends)} == {Verdict.EQUAL}


#: The types of the input's column and of the summary's cursor.
KINDS = ["timestamp to timestamp", "timestamp to date", "timestamptz to timestamptz", "timestamptz to date"]


@pytest.mark.each_value
@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_summaries(desk: Desk, case: str, kinds: str) -> None:
    grid, intervals = intervals_of(case)
    kind, _, cursor = kinds.partition(" to ")
    desk.run(f"CREATE TABLE {{raw}}.visits (id int, at {kind})")
    expected: Counter[str] = Counter()

    def visit(day: date, interval: Interval) -> None:
        local = datetime.combine(day, NOON)
        at = local.replace(tzinfo=grid._zone) if kind == "timestamptz" else local
        desk.run("INSERT INTO {raw}.visits VALUES (1, %s)", (at,))
        expected[grid.label(interval)] += 1

    for interval in intervals:
        for day in dates_of(grid, interval):
            visit(day, interval)
    note(desk, "visits", *intervals)
    sql = f"select cast(date_trunc('{grid.unit}', at) as {cursor}) as period, count(*) as visits from {{raw}}.visits"
    sql += " where at >= {{start}} and at < {{end}} group by 1"
    fields = {"interval": grid.unit, "cursor": "period", "timezone": grid.timezone}
    summary = desk.summary("periods", sql, key=["period"], **fields)
    period = f"period at time zone '{grid.timezone}'" if cursor == "timestamptz" else "period"

    def rows() -> dict[str, int]:
        found = desk.rows("periods", f"cast({period} as date), visits")
        assert len(found) == len(intervals)
        return {str(day): visits for day, visits in found}

    desk.build(summary)
    assert rows() == expected
    for interval in [*intervals, *reversed(intervals)]:
        visit(dates_of(grid, interval)[0], interval)
        note(desk, "visits", interval)
        assert desk.build(summary).label == grid.label(interval)
        assert rows() == expected


def test_a_summary_of_a_day_that_the_clock_shows_again_after_it_has_ended(desk: Desk) -> None:
    """St John's set its clock from 00:01 on the 7th to 23:01 on the 6th. Rows of that hour are loaded with the 7th."""
    grid = Grid("day", "America/St_Johns")
    sixth, seventh = grid.between(date(2010, 11, 6), date(2010, 11, 8))
    desk.run("CREATE TABLE {raw}.visits (id int, at timestamptz)")
    desk.run("INSERT INTO {raw}.visits VALUES (1, '2010-11-06 12:00Z'), (2, '2010-11-07 12:00Z')")
    note(desk, "visits", sixth, seventh)
    sql = "select cast(at as date) as day, count(*) as visits from {raw}.visits "
    sql += "where at >= {{start}} and at < {{end}} group by 1"
    summary = desk.summary("days", sql, key=["day"], interval="day", cursor="day", timezone=grid.timezone)
    desk.build(summary)
    desk.run("INSERT INTO {raw}.visits VALUES (3, '2010-11-07 03:00Z')")
    note(desk, "visits", seventh)
    desk.build(summary)
    assert desk.rows("days") == [(date(2010, 11, 6), 2), (date(2010, 11, 7), 1)]


def note(desk: Desk, table: str, *intervals: Interval) -> None:
    """Record a load of these intervals of an input in the ledger."""
    ledger, name = Ledger(desk.ends.warehouse), f"{desk.raw}.{table}"
    with desk.ends.warehouse.session() as session:
        ledger.ensure(session)
        moment = ledger.next_moment(session, name)
        common: Any = ("replace_interval", None, moment, f"{moment:%H%M%S%f}", moment)
        ledger.record(session, [Entry(name, one.start, one.end, 0, *common) for one in intervals])
