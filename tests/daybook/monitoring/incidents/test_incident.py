"""An incident collects its failures, has the same ID for everyone who opens it, and is recorded once."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import pytest
from sqlalchemy import create_engine

from daybook.ledger.ledger import Entry, Ledger
from daybook.monitoring.incidents.impact import Impact, day_of, lasting
from daybook.monitoring.incidents.incident import Incident, Kind, RecoveryCondition
from daybook.monitoring.incidents.incident_log import IncidentLog
from daybook.monitoring.incidents.recovery_check import recovered_at
from daybook.warehouses.base import Warehouse
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import Postgres
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, warehouse_of

NINE = datetime(2021, 2, 9, 9, tzinfo=UTC)
DAYS = [datetime(2021, 2, day, tzinfo=UTC) for day in range(5, 10)]


def incident(kind: Kind = Kind.FAILED, at: datetime = NINE, seen: str = "a", **fields: object) -> Incident:
    return Incident("raw_data.nps", kind, "data-team", "it failed", at, at, seen=(seen,), **fields)  # type: ignore[arg-type]


def test_the_same_incident_has_the_same_id_whoever_opens_it() -> None:
    assert incident().id == incident(error="in other words").id
    assert incident().id != incident(seen="b").id


def test_a_repeated_failure_extends_the_incident_and_adds_its_recovery_conditions() -> None:
    first = incident(awaits=(RecoveryCondition("raw_data.nps", NINE, DAYS[0], DAYS[1]),), error="one")
    merged = first.merged_with(
        incident(
            at=NINE + timedelta(hours=1),
            seen="b",
            awaits=(
                RecoveryCondition("raw_data.nps", NINE + timedelta(hours=1), DAYS[0], DAYS[1]),
                RecoveryCondition("raw_data.nps", NINE + timedelta(hours=1), DAYS[1], DAYS[2]),
            ),
            error="two",
        )
    )
    assert (merged.id, merged.since, merged.last) == (first.id, NINE, NINE + timedelta(hours=1))
    assert (merged.times, merged.error, merged.seen) == (2, "two", ("a", "b"))
    assert [(one.start, one.after) for one in merged.awaits] == [
        (DAYS[0], NINE + timedelta(hours=1)),
        (DAYS[1], NINE + timedelta(hours=1)),
    ]


@pytest.mark.parametrize(
    ("known", "new", "worst"),
    [
        (Kind.AT_RISK, Kind.LATE, Kind.LATE),
        (Kind.LATE, Kind.FAILED, Kind.FAILED),
        (Kind.FAILED, Kind.STALE, Kind.FAILED),
    ],
)
def test_an_incident_has_the_worst_kind_of_its_failures(known: Kind, new: Kind, worst: Kind) -> None:
    assert incident(known).merged_with(incident(new)).kind is worst


@pytest.fixture(params=["postgres", "redshift"])
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    with contextlib.ExitStack() as stack:
        server: Postgres | Redshift = request.getfixturevalue(request.param)
        if isinstance(server, Redshift):
            found = warehouse_of(Database(server.url, stack.enter_context(server.schema())))
            with found.session() as session:  # the server has one ledger for all tests
                session.run("DROP SCHEMA IF EXISTS daybook CASCADE")
            yield found
        else:
            yield warehouse_of(Database(stack.enter_context(server.database()), "raw"))


def load(
    warehouse: Warehouse, start: datetime | None, end: datetime, at: datetime, table: str = "raw_data.nps"
) -> None:
    with warehouse.session() as session:
        Ledger(warehouse).ensure(session)
        Ledger(warehouse).record(session, [Entry(table, start, end, 1, "upsert", None, at, str(uuid.uuid4()), at)])


def test_an_incident_recovers_when_every_failed_range_is_in_the_ledger(warehouse: Warehouse) -> None:
    waits = [RecoveryCondition("raw_data.nps", NINE, DAYS[0], DAYS[3]), RecoveryCondition("raw_data.other", NINE)]

    def recovery() -> datetime | None:
        with warehouse.session() as session:
            return recovered_at(session, warehouse, waits)

    assert recovery() is None  # there is no ledger yet
    load(warehouse, DAYS[0], DAYS[3], NINE - timedelta(hours=1))  # from before the failure
    load(warehouse, DAYS[0], DAYS[1], NINE + timedelta(minutes=1))
    load(warehouse, DAYS[2], DAYS[3], NINE + timedelta(minutes=2))
    load(warehouse, None, DAYS[4], NINE + timedelta(minutes=3), "raw_data.other")
    assert recovery() is None  # the day between is missing
    load(warehouse, DAYS[1], DAYS[2], NINE + timedelta(minutes=4))
    assert recovery() == NINE + timedelta(minutes=4)


def test_a_full_refresh_recovers_every_earlier_day(warehouse: Warehouse) -> None:
    load(warehouse, None, NINE, NINE + timedelta(minutes=5))
    with warehouse.session() as session:
        assert recovered_at(
            session, warehouse, [RecoveryCondition("raw_data.nps", NINE, DAYS[0], DAYS[3])]
        ) == NINE + timedelta(minutes=5)


def test_the_history_has_each_incident_once_with_texts_that_fit_the_columns(warehouse: Warehouse) -> None:
    closed = replace(incident(error="\0é" * 3000), subject="export/daily (title=" + "🟥" * 170, owner="\0ü" * 200)
    with warehouse.session() as session:
        for _ in range(2):
            IncidentLog(warehouse).record(session, closed, NINE + timedelta(hours=2))
        (row,) = IncidentLog(warehouse).between(session, NINE, NINE + timedelta(days=1))
        assert IncidentLog(warehouse).between(session, NINE, NINE + timedelta(hours=2)) == []
    assert (row.incident, row.kind, row.times) == (closed.id, "failed", 1)
    assert row.recovered_at - row.opened_at == timedelta(hours=2)
    assert set(row.error) == {"é"} and set(row.owner) == {"ü"}
    assert closed.subject.startswith(row.subject) and "🟥" in row.subject


def test_visible_data_names_the_day_of_the_load_and_reads_the_ledger_once(
    warehouse: Warehouse, small_project: Path
) -> None:
    impact = Impact(warehouse, NINE)
    load(warehouse, None, NINE, NINE - timedelta(days=2), "analytics.nps_summary")
    load(warehouse, DAYS[0], DAYS[1], NINE)
    assert impact.visible_data(["analytics.nps_summary", "raw_data.nps"]) == [
        "analytics.nps_summary still shows Sunday's build (2021-02-07 09:00 UTC).",
        "raw_data.nps still shows today's load (2021-02-09 09:00 UTC).",
    ]
    load(warehouse, DAYS[0], DAYS[1], NINE, "raw_data.user_session_channel")
    assert impact.visible_data(["raw_data.user_session_channel"]) == [
        "raw_data.user_session_channel has never been loaded: readers see no rows, or rows from before Daybook."
    ]


@pytest.mark.usefixtures("small_project")
def test_if_the_warehouse_is_down_readers_see_no_change() -> None:
    gone = open_warehouse(create_engine(f"postgresql+psycopg2://nobody@127.0.0.1:{free_port()}/none"))
    for warehouse in (gone, None):
        (text,) = Impact(warehouse, NINE).visible_data(["raw_data.nps", "analytics.nps_summary"])
        assert "The warehouse does not answer now" in text


def test_blocked_summaries_are_named_while_the_warehouse_is_down(small_project: Path) -> None:
    url = f"redshift+psycopg2://nobody@127.0.0.1:{free_port()}/none"  # it knows its dialect from a session
    gone = open_warehouse(create_engine(url), copy_iam_role="arn:aws:iam::123456789012:role/x")
    (text,) = Impact(gone, NINE, small_project / "tables").blocked_summaries(["raw_data.nps"])
    assert "analytics.nps_summary" in text


def test_blocked_summaries_come_from_the_summary_files_which_are_read_once(small_project: Path) -> None:
    tables = small_project / "tables"
    impact = Impact(None, NINE, tables)
    (text,) = impact.blocked_summaries(["raw_data.nps"])
    assert {"analytics.nps_summary", "analytics.nps_rolling"} <= set(re.findall(r"\w+\.\w+", text))
    assert "analytics.ab_test_report" not in text
    assert impact.blocked_summaries(["raw_data.of_nobody"]) == impact.blocked_summaries([]) == []
    rmtree(tables)
    assert impact.blocked_summaries(["raw_data.nps"]) == [text]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (40, "40 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 day"),
        (273660, "3 days 4 h"),
    ],
)
def test_a_time_span_has_at_most_two_units(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


def test_a_day_is_named_as_people_name_it() -> None:
    named = [day_of(NINE - timedelta(days=days), NINE) for days in (0, 1, 2, 6, 7)]
    assert named == ["today's", "yesterday's", "Sunday's", "Wednesday's", "2021-02-02's"]
