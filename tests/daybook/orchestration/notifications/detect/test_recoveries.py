"""When what failed or was late is over, on a real Prefect server and a real ledger; and when it never will be."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed, Running
from sqlalchemy import NullPool, create_engine

from daybook.errors import AuditDiffers, SourceIncomplete
from daybook.ledger.ledger import Entry, Ledger
from daybook.monitoring.incidents.impact import Impact
from daybook.monitoring.incidents.incident import Incident, Kind, RecoveryCondition
from daybook.orchestration.notifications.detect.failed_runs import FailedRuns
from daybook.orchestration.notifications.detect.failures import report_failure
from daybook.orchestration.notifications.detect.late_tables import report_late_tables
from daybook.orchestration.notifications.detect.recoveries import close_failures
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.variable_store import VariableStore
from daybook.warehouses.base import Warehouse
from daybook.warehouses.registry import open_warehouse
from tests.support.flow_fixtures import LiveWarehouse
from tests.support.flow_runs import failed_with

pytestmark = pytest.mark.usefixtures("small_project")

NOW = datetime.now(UTC)
TABLE, DAY = "raw_data.nps", datetime(2021, 2, 5, tzinfo=UTC)


@pytest.fixture
def store(shelves: SyncPrefectClient) -> IncidentStore:
    """With nothing open."""
    return IncidentStore(shelves, None)


@pytest.fixture
def warehouse(on_postgres: LiveWarehouse) -> Warehouse:
    on_postgres.empty()
    return open_warehouse(create_engine(on_postgres.variables["DAYBOOK_WAREHOUSE_URL"], poolclass=NullPool))


def load(warehouse: Warehouse, start: datetime | None, end: datetime, at: datetime) -> None:
    with warehouse.session() as session:
        Ledger(warehouse).ensure(session)
        Ledger(warehouse).record(session, [Entry(TABLE, start, end, 1, "merge", None, at, str(uuid4()), at)])


def fail(
    store: IncidentStore, client: SyncPrefectClient, why: Exception | None = None, **parameters: object
) -> datetime:
    """A load of the table that failed and was told; since when a load counts as its end."""

    @flow(name="nps")
    def nps() -> None: ...

    given = {"execution_date": None, "until": None} | parameters
    run = client.create_flow_run(nps, parameters=given, tags=["daybook", TABLE], state=Failed(message="no"))
    if why:
        failed_with(client, run.id, why)
    runs = FailedRuns(client)
    (failed,) = runs.unreported(datetime.now(UTC), [run.id])
    report_failure(store, runs, failed, Impact(None, NOW))
    (incident,) = store.open
    return incident.awaits[0].after


def said(client: SyncPrefectClient) -> list[str]:
    """The titles of what is said of an end, up to its time."""
    notices = [document["notice"] for document in VariableStore(client, "outbox").all().values()]
    return [one["title"].partition(" after")[0] for one in notices if one["tone"] == "recovered"]


def test_a_full_refresh_that_failed_is_not_over_by_one_day(
    store: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse
) -> None:
    began = fail(store, client, full_refresh=True)
    load(warehouse, DAY, DAY + timedelta(days=1), began + timedelta(minutes=1))
    close_failures(store, FailedRuns(client), warehouse, NOW)
    assert len(store.open) == 1
    load(warehouse, None, began, began + timedelta(minutes=2))
    close_failures(store, FailedRuns(client), warehouse, NOW)
    assert store.open == [] and said(client) == ["raw_data.nps recovered"]


def test_a_load_of_scattered_days_is_over_when_these_days_are_loaded(
    store: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse
) -> None:
    began = fail(store, client, intervals=["2021-02-05", "2021-02-09"])
    for number, is_open in ((0, True), (3, True), (4, False)):
        day = DAY + timedelta(days=number)
        load(warehouse, day, day + timedelta(days=1), began + timedelta(minutes=1 + number))
        close_failures(store, FailedRuns(client), warehouse, NOW)
        assert bool(store.open) is is_open, day


def test_what_was_committed_in_part_is_not_over_by_that_commit(
    store: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse
) -> None:
    why = SourceIncomplete("10 rows are loaded, but: AAPL was not given")
    before = datetime.now(UTC)
    ended = fail(store, client, why, execution_date="2021-02-05")
    load(warehouse, DAY, DAY + timedelta(days=1), before)  # its own, while it ran
    close_failures(store, FailedRuns(client), warehouse, NOW)
    assert len(store.open) == 1
    load(warehouse, DAY, DAY + timedelta(days=1), ended + timedelta(seconds=1))
    close_failures(store, FailedRuns(client), warehouse, NOW)
    assert store.open == []


@pytest.fixture
def reconciles(client: SyncPrefectClient) -> Iterator[UUID]:
    """A deployment of the flow `reconcile`."""

    @flow(name="reconcile")
    def reconcile() -> None: ...

    deployment = client.create_deployment(client.create_flow(reconcile), name=str(uuid4()))
    yield deployment
    client.delete_deployment(deployment)


def test_what_an_audit_found_is_over_by_one_that_repairs_it(
    store: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse, reconciles: UUID
) -> None:
    def ended(state: State[Any], **more: object) -> UUID:
        given = {"table": TABLE, "last": 90} | more
        run = client.create_flow_run_from_deployment(reconciles, parameters=given, tags=["daybook", TABLE])
        for each in (Running(), state):
            client.set_flow_run_state(run.id, each, force=True)
        return run.id

    runs = FailedRuns(client)
    run = ended(Failed(message="it differs"))
    failed_with(client, run, AuditDiffers("no"))
    (failed,) = runs.unreported(datetime.now(UTC), [run])
    report_failure(store, runs, failed, Impact(None, NOW))
    assert [incident.owner for incident in store.open] == ["data-team"]
    load(warehouse, DAY, DAY + timedelta(days=1), NOW + timedelta(minutes=1))
    ended(Completed(), last=5)
    close_failures(store, runs, warehouse, NOW)
    assert len(store.open) == 1, "a load ends it no more than an audit of something else"
    ended(Completed(), repair=True, max_repair=0.5)
    close_failures(store, runs, warehouse, NOW)
    assert store.open == []


def gone(subject: str, kind: Kind, **more: object) -> Incident:
    return Incident(subject, kind, "default", f"{subject} {kind}", NOW, NOW, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "incident",
    [
        pytest.param(gone("raw_data.gone", Kind.LATE), id="a late table whose file is gone"),
        pytest.param(
            gone("raw_data.user_session_channel", Kind.LATE), id="a late table whose file says no due: any more"
        ),
        pytest.param(
            gone("raw_data.gone", Kind.FAILED, awaits=(RecoveryCondition("raw_data.gone", NOW),)),
            id="a failed table whose file is gone",
        ),
        pytest.param(gone("export/daily", Kind.FAILED, run=str(uuid4())), id="a failed run that was deleted"),
    ],
)
def test_what_cannot_come_any_more_is_given_up_and_said(
    incident: Incident, store: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse
) -> None:
    store.keep(incident)
    close_failures(store, FailedRuns(client), warehouse, NOW)
    report_late_tables(store, client, warehouse, Impact(warehouse, NOW), NOW)
    assert store.about(incident.subject) is None
    assert f"{incident.subject} was closed unresolved" in said(client)
