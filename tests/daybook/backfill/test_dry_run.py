"""The dry run of a backfill: the source's row count in each interval, compared with Python's own and the ledger's."""

import itertools
import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from daybook.audit.interval_audit import audit
from daybook.backfill.dry_run import Forecast, forecast
from daybook.definitions.table import Table
from daybook.errors import SourceError
from daybook.ledger.interval_status import BackfillSelection, read_statuses
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid, Unit
from daybook.model.timezones import wall_clock
from tests.support.source_and_warehouse import Database, Endpoints

pytestmark = pytest.mark.any_warehouse

ZONE = "America/New_York"


@dataclass(frozen=True)
class Keys:
    """The credentials of one source."""

    source: Database

    def engine(self, name: str) -> Engine:
        return self.source.engine


def table_of(source: Database, unit: Unit, zone: str = ZONE) -> Table:
    given: dict[str, Any] = {"load": "replace_interval", "cursor": "at", "interval": unit, "timezone": zone}
    place = {"kind": "database", "table": [source.namespace, "moments"]}
    return Table(name="raw.moments", description="x", owner="tests", source=place, **given)


def counted(source: Database, table: Table, intervals: list[Interval]) -> dict[Interval, int]:
    with table.source.open(table, Keys(source)) as opened:
        found: dict[Interval, int] = opened.counts(intervals)
        return found


# ── The source's rows ─────────────────────────────────────────────────────────────────────────────────────────────────

TYPES = {
    "date": ("date NULL", "date"),
    "timestamp": ("datetime(6) NULL", "timestamp"),
    "timestamptz": ("timestamp(6) NULL", "timestamptz"),
}


@pytest.mark.pairwise
@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        ("date", "day"),
        ("date", "week"),
        ("timestamp", "day"),
        ("timestamp", "hour"),
        ("timestamptz", "day"),
        ("timestamptz", "hour"),
    ],
)
def test_the_source_counts_as_python_does(source: Database, kind: str, unit: Unit) -> None:
    """Both daylight saving changes, values on and just before the boundaries, more intervals than one query takes."""
    grid = Grid(unit, ZONE)
    # hours of ten weeks around November 7, 2021; days of three years; weeks of thirty
    start, end = {
        "hour": (date(2021, 10, 1), date(2021, 12, 10)),
        "day": (date(2019, 7, 1), date(2022, 7, 1)),
        "week": (date(1990, 1, 1), date(2020, 1, 6)),
    }[unit]
    intervals = grid.between(start, end)
    assert len(intervals) > 1000
    boundaries = [intervals[0].start, *(interval.end for interval in intervals)]
    some = random.Random(4)
    instants = [*boundaries, *(boundary - timedelta(microseconds=1) for boundary in boundaries)]
    instants += [some.choice(boundaries) + timedelta(seconds=some.randrange(86400 * 9)) for _ in range(2000)]
    zone = ZoneInfo(ZONE)

    def stored(instant: datetime) -> date | datetime:
        """Return the value of the column for an instant."""
        if kind == "timestamptz":
            return instant
        return wall_clock(instant, zone).date() if kind == "date" else wall_clock(instant, zone)

    values = [stored(instant) for instant in instants]
    source.run(f"CREATE TABLE moments (at {TYPES[kind][0 if source.is_mysql else 1]})")
    written = [v.replace(tzinfo=None) if source.is_mysql and isinstance(v, datetime) else v for v in values]
    source.run(f"INSERT INTO moments VALUES (NULL), {', '.join(['(%s)'] * len(written))}", written)

    # If the clock is set back, a boundary occurs twice. Times after it belong to the second occurrence.
    edges = [stored(boundary) for boundary in boundaries]
    places = [bisect_right(edges, value) - 1 for value in values]
    expected = Counter(intervals[place] for place in places if 0 <= place < len(intervals))
    found = counted(source, table_of(source, unit), intervals)
    assert found == {interval: expected[interval] for interval in intervals}
    assert list(found) == intervals


def test_an_empty_table_has_no_rows_in_any_interval(source: Database) -> None:
    source.run("CREATE TABLE moments (at date)")
    intervals = Grid("day", ZONE).between(date(2021, 2, 5), date(2021, 2, 8))
    assert counted(source, table_of(source, "day"), intervals) == dict.fromkeys(intervals, 0)


def test_a_date_column_cannot_be_counted_by_hour(source: Database) -> None:
    source.run("CREATE TABLE moments (at date)")
    hours = Grid("hour", ZONE).between(date(2021, 2, 5), date(2021, 2, 6))
    with pytest.raises(SourceError, match="would split a day; use interval: day"):
        counted(source, table_of(source, "hour"), hours)


def test_without_its_cursor_a_source_cannot_be_counted(source: Database) -> None:
    source.run("CREATE TABLE moments (created date)")
    days = Grid("day", ZONE).between(date(2021, 2, 5), date(2021, 2, 6))
    with pytest.raises(SourceError, match="the source has no column 'at', which is the cursor; it has created"):
        counted(source, table_of(source, "day"), days)


# ── Compared with the ledger ──────────────────────────────────────────────────────────────────────────────────────────

DAYS = Grid("day").between(date(2021, 2, 5), date(2021, 2, 9))


@pytest.fixture
def ends(from_mysql: Endpoints) -> Endpoints:
    """Ten rows on each of three days, and a fourth day without rows."""
    from_mysql.source.run("CREATE TABLE things (id int, at datetime(6), score int, KEY (at))")
    rows = [(n, datetime(2021, 2, 5) + timedelta(days=n // 10, hours=n % 10), n % 11) for n in range(30)]
    from_mysql.source.insert("things", rows)
    return from_mysql


def foreseen(ends: Endpoints, table: Table, select: BackfillSelection = "missing") -> list[Forecast]:
    return forecast(table, read_statuses(ends.warehouse, table.name, DAYS), select, ends)


def figures(forecasts: list[Forecast]) -> list[tuple[str, int, int | None, int | None]]:
    return [(one.action, one.at_source, one.by_ledger, one.difference) for one in forecasts]


def days_of(ends: Endpoints) -> Table:
    return ends.table(load="replace_interval", cursor="at", interval="day")


def test_before_and_after_a_load(ends: Endpoints) -> None:
    table = days_of(ends)
    nothing = [("load", 10, 0, 10), ("load", 10, 0, 10), ("load", 10, 0, 10), ("load", 0, 0, 0)]
    assert figures(foreseen(ends, table)) == nothing
    ends.load(table, "2021-02-06")
    assert figures(foreseen(ends, table)) == [nothing[0], ("skip", 10, 10, 0), *nothing[2:]]
    assert figures(foreseen(ends, table, "all"))[1] == ("reload", 10, 10, 0)


def test_rows_that_were_added_and_deleted_since_the_load(ends: Endpoints) -> None:
    table = days_of(ends)
    ends.load(table, "2021-02-05", "2021-02-09")
    assert figures(foreseen(ends, table)) == [("skip", n, n, 0) for n in (10, 10, 10, 0)]
    ends.source.run("UPDATE things SET score = 99 WHERE id = 3")  # row counts do not show it
    ends.source.run("UPDATE things SET at = '2021-02-08 12:00:00' WHERE id = 13")
    ends.source.run("DELETE FROM things WHERE id BETWEEN 20 AND 23")
    changed = [("skip", 10, 10, 0), ("skip", 9, 10, -1), ("skip", 6, 10, -4), ("skip", 1, 0, 1)]
    assert figures(foreseen(ends, table)) == changed
    ends.load(table, "2021-02-05", "2021-02-09")
    assert [one.difference for one in foreseen(ends, table)] == [0] * 4


def test_with_an_audit(from_mysql: Endpoints) -> None:
    """The audit's differences are loaded by select=differing. The source is not counted again."""
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, at datetime(6), score int, KEY (at))")
    rows = [(n, datetime(2021, 2, 5) + timedelta(days=n // 10, hours=n % 10), n % 11) for n in range(30)]
    ends.source.insert("things", rows)
    table = ends.table(load="replace_interval", key=["id"], cursor="at", interval="day")
    ends.load(table, "2021-02-05", "2021-02-08")
    ends.source.run("UPDATE things SET score = 99 WHERE id = 3")
    ends.source.run("DELETE FROM things WHERE id = 13")
    audited = {one.interval: one for one in audit(table, DAYS, ends.warehouse, ends)}
    ends.source.run("DROP TABLE things")
    found = forecast(table, read_statuses(ends.warehouse, table.name, DAYS), "differing", ends, audited)
    unchanged, never = ("skip", 10, 10, 0), ("load", 0, 0, 0)
    assert figures(found) == [("reload", 10, 10, 0), ("reload", 9, 10, -1), unchanged, never]
    differences = [one.audited.differences for one in found if one.audited and one.audited.differences]
    none = (0, 0, 0)
    assert [(one.added, one.changed, one.removed) for one in differences] == [(0, 1, 0), (0, 0, 1), none, none]
    asked = forecast(table, read_statuses(ends.warehouse, table.name, DAYS), "missing", ends, audited)
    assert [one.chosen for one in asked] == [False, False, False, True]


def test_after_a_full_refresh_only_an_audit_has_the_row_count_of_each_interval(
    ends: Endpoints,
) -> None:
    table = days_of(ends).model_copy(update={"start": DAYS[0].start.date()})
    ends.load(table)
    assert figures(foreseen(ends, table)) == [("skip", n, None, None) for n in (10, 10, 10, 0)]
    ends.load(table, "2021-02-06")
    assert figures(foreseen(ends, table))[1] == ("skip", 10, 10, 0)
    ends.load(table)
    assert figures(foreseen(ends, table))[1] == ("skip", 10, None, None)
    audited = {one.interval: one for one in audit(table, DAYS, ends.warehouse, ends)}
    found = forecast(table, read_statuses(ends.warehouse, table.name, DAYS), "missing", ends, audited)
    assert figures(found) == [("skip", n, n, 0) for n in (10, 10, 10, 0)], "the audit has the count of each day"


def test_the_backfill_does_what_the_dry_run_says(ends: Endpoints) -> None:
    table = days_of(ends)
    planned = foreseen(ends, table, "all")
    done = ends.load(table, "2021-02-05", "2021-02-09")
    assert [one.at_source for one in planned] == [entry.rows for entry in done.entries]


def test_a_dry_run_writes_nothing(ends: Endpoints) -> None:
    table = days_of(ends)
    ends.load(table, "2021-02-05")
    before = (ends.state(table), ends.staged_keys(), ends.source.run("SELECT * FROM things ORDER BY id"))
    for select in ("missing", "failed", "all"):
        foreseen(ends, table, select)
    assert (ends.state(table), ends.staged_keys(), ends.source.run("SELECT * FROM things ORDER BY id")) == before


def test_months_of_a_postgresql_with_an_instant(from_postgres: Endpoints) -> None:
    """A time zone far from UTC moves a row into another month, in the source and in the ledger."""
    ends = from_postgres
    ends.source.run("CREATE TABLE things (id int, at timestamptz)")
    months = itertools.accumulate(
        itertools.repeat(timedelta(days=31), 6), initial=datetime(2020, 12, 31, 12, tzinfo=UTC)
    )
    ends.source.insert("things", list(enumerate(months)))
    table = ends.table(load="replace_interval", cursor="at", interval="month", timezone="Pacific/Auckland")
    assert table.grid is not None
    intervals = table.grid.between(date(2021, 1, 1), date(2021, 8, 1))
    planned = forecast(table, read_statuses(ends.warehouse, table.name, intervals), "missing", ends)
    done = ends.load(table, "2021-01-01", "2021-08-01")
    assert [one.at_source for one in planned] == [entry.rows for entry in done.entries]
    assert planned[0].at_source == 1, "noon of the last of December, in UTC"
