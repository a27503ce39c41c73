"""Compute the metrics from a real warehouse, and write them to `daybook.key_metrics`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from daybook.definitions.registry import datasets
from daybook.definitions.table import Table
from daybook.definitions.table_files import table_names
from daybook.ledger.failures import Failure, Failures
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.interval import Interval
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.incident_log import IncidentLog
from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.compute import measure
from daybook.monitoring.key_metrics.metrics_table import COLUMNS, KeyMetrics
from daybook.monitoring.key_metrics.recovery import Outage
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.sql.database_error import DatabaseError
from tests.support.source_and_warehouse import Endpoints, parse_as_redshift

MONDAY = date(2026, 7, 20)
WEEK = WEEKS.at(MONDAY)
NOW = WEEK.end + timedelta(days=2)


def at(day: int, hour: int = 0) -> datetime:
    """Return a moment of July 2026 in UTC."""
    return datetime(2026, 7, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour)


def entry(table: Table, first: int, last: int, moment: datetime, run: str | None, load: str = "") -> Entry:
    """Return a ledger entry of one or more days."""
    return Entry(table.name, at(first), at(last), 10, "upsert", run, moment, load or f"{moment:%d%H}", moment)


def fill(ends: Endpoints, table: Table) -> None:
    """Record a week of nps: Monday's run fails twice and the third one loads it late. On Friday, a backfill runs."""
    days = [entry(table, day, day + 1, at(day + 1, 9), f"run {day + 1}") for day in (*range(15, 19), *range(20, 27))]
    days += [entry(table, 19, 20, at(20, 12), "again"), entry(table, 27, 28, at(28, 9), "after the week")]
    days += [entry(table, day, day + 1, at(24, 15), "backfill", "filled") for day in range(1, 15)]
    failed = [
        Failure(table.name, Interval(at(19), at(20)), run, moment, "no")
        for run, moment in (("run 20", at(20, 9)), ("try 2", at(20, 10)), (None, at(20, 11)), ("late", at(27, 1)))
    ]
    begun = Incident(table.name, Kind.FAILED, "data-team", "…", since=at(20, 9), last=at(20, 10))
    with ends.warehouse.session() as session:
        Ledger(ends.warehouse).ensure(session)
        Ledger(ends.warehouse).record(session, days)
        for failure in failed:
            Failures(ends.warehouse).record(session, failure)
        IncidentLog(ends.warehouse).record(session, begun, at(20, 12))


def measured(ends: Endpoints, table: Table, week: Interval = WEEK, *open_ones: Outage) -> Metrics:
    (found,) = measure(ends.warehouse, [table], week, NOW, open_incidents=open_ones)
    return found


def nps(ends: Endpoints, name: str = "nps") -> Table:
    return Table(
        name=f"{ends.destination.namespace}.{name}",
        description="x",
        owner="data-team",
        source={"kind": "database", "block": "production", "table": "prod.nps"},  # type: ignore[arg-type]
        load="upsert",
        key=("id",),
        cursor="at",
        interval="day",
        due="10:00",  # type: ignore[arg-type]
    )


def test_the_metrics_of_a_week_and_the_row_that_is_written(
    warehouse_ends: Endpoints, redshift_statements: Callable[[], list[str]]
) -> None:
    ends, table = warehouse_ends, nps(warehouse_ends)
    fill(ends, table)

    found = measured(ends, table, WEEK, Outage(table.name, "late", at(26, 10)))
    assert (found.runs, found.runs_failed, found.runs_from) == (10, 2, "warehouse")  # 7 days, again, backfill, try 2
    assert (found.incidents, found.minutes_to_recovery) == (2, 180.0)
    assert found.freshness_minutes == 540.0
    assert found.oldest_minutes == 36 * 60.0  # Monday at noon, with Saturday's rows
    assert (found.core, found.intervals_due, found.intervals_in_time) == (True, 7, 6)  # Monday's came at noon

    books = KeyMetrics(ends.warehouse)
    other = replace(found, table=f"{ends.destination.namespace}.other", sla_attainment=None)
    last = replace(found, week_start=MONDAY - timedelta(days=7), sla_attainment=0.5)
    with ends.warehouse.session() as session:
        books.replace(session, [last, found, other])
        corrected = replace(found, runs=11, computed_at=NOW + timedelta(days=1))
        books.replace(session, [corrected])
        mine = {found.table, other.table}
        assert [row for row in books.since(session, last.week_start) if row.table in mine] == [last, corrected, other]
        assert [row for row in books.since(session, MONDAY) if row.table in mine] == [corrected, other]
    for statement in redshift_statements():
        parse_as_redshift(statement)


def test_readers_never_see_half_of_a_week(warehouse_ends: Endpoints) -> None:
    """A computation that fails between deleting the old rows and inserting the new ones keeps the old ones."""
    ends, books = warehouse_ends, KeyMetrics(warehouse_ends.warehouse)
    row = measured(ends, nps(ends))
    broken = replace(row, owner="x" * 300)  # longer than the column
    with ends.warehouse.session() as session:
        books.replace(session, [row])
        with pytest.raises(DatabaseError):
            books.replace(session, [replace(row, runs=99), broken])
        assert [one for one in books.since(session, MONDAY) if one.table == row.table] == [row]


@pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
def test_the_columns_have_types_that_bi_tools_can_aggregate(warehouse_ends: Endpoints) -> None:
    with warehouse_ends.warehouse.session() as session:
        KeyMetrics(warehouse_ends.warehouse).replace(session, [])
    spelled = {"varchar(255)": "character varying(255)", "varchar(16)": "character varying(16)"}
    spelled |= {"timestamptz": "timestamp with time zone"}
    there = warehouse_ends.destination.types("daybook.key_metrics")
    expected = {name: type.removesuffix(" NOT NULL") for name, type in COLUMNS.items()}
    assert there == {name: spelled.get(type, type) for name, type in expected.items()}


@pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
def test_without_a_ledger_there_is_no_data(warehouse_ends: Endpoints) -> None:
    found = measured(warehouse_ends, nps(warehouse_ends))
    assert (found.runs, found.sla_attainment, found.freshness_minutes, found.incidents) == (None, None, None, 0)
    with warehouse_ends.warehouse.session() as session:
        assert KeyMetrics(warehouse_ends.warehouse).since(session, MONDAY) == []


def test_every_table_that_has_a_file_has_metrics(small_project: Path) -> None:
    found, problems = datasets()
    names = [dataset.name for dataset in found]
    assert not problems
    assert names == sorted(names) and {"raw_data.nps", "analytics.nps_summary"} <= set(names) > set(table_names())
