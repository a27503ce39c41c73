"""Which tables that were never loaded are late: those that a schedule or a trigger should have loaded."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.states import Completed, Failed, Scheduled

from daybook.monitoring.freshness import Freshness, State
from daybook.orchestration.load_runs.first_loads import (
    deployments_that_start,
    last_run_failed,
    with_expected_first_loads,
)
from tests.support.daily_table import daily_table

NOW = datetime.now(UTC).replace(microsecond=0)
TWO_DAYS_AGO = NOW - timedelta(days=2)
CRON = CronSchedule(cron="0 0 1 1 *", timezone="UTC")


Deploy = Callable[..., str]


@pytest.fixture
def deploy(client: SyncPrefectClient) -> Iterator[Deploy]:
    """Yield a function that deploys a flow with the tag of a new table, and returns the name of that table."""
    ids, automations = [], []

    def create(
        of: str = "first-loads", active: bool | None = None, ran: bool = False, trigger: bool | None = None
    ) -> str:
        table = f"raw_data.t{uuid4().hex[:8]}"
        schedules = [] if active is None else [DeploymentScheduleCreate(schedule=CRON, active=active)]
        flow_id = client.create_flow_from_name(of)
        id = client.create_deployment(flow_id, table, tags=["daybook", table], schedules=schedules, entrypoint="x:y")
        ids.append(id)
        if ran:
            client.create_flow_run_from_deployment(id, state=Scheduled(scheduled_time=TWO_DAYS_AGO))
        if trigger is not None:
            runs = RunDeployment(source="selected", deployment_id=id, parameters=None, job_variables=None)
            when = EventTrigger(expect={"first-loads.never"}, posture=Posture.Reactive, threshold=1)
            made = AutomationCore(name=table, enabled=trigger, trigger=when, actions=[runs])
            automations.append(client.create_automation(made))
        return table

    yield create
    for one in automations:
        client.delete_automation(one)
    for one in ids:
        client.delete_deployment(one)


def never_loaded(name: str) -> Freshness:
    """Return what `look` says of a table whose file has `start: 2021-02-05`."""
    due = NOW - timedelta(hours=1)
    since = datetime(2021, 2, 6, 10, tzinfo=UTC)
    return Freshness(name, "data", "UTC", State.NEVER, "yesterday", (), due, since)


def seen(client: SyncPrefectClient, name: str, now: datetime = NOW) -> datetime | None:
    (found,) = with_expected_first_loads(client, [daily_table(name, due=time(10))], [never_loaded(name)], now)
    return found.since


def test_a_file_alone_and_a_paused_schedule_promise_nothing(client: SyncPrefectClient, deploy: Deploy) -> None:
    assert seen(client, "raw_data.without_a_deployment") is None
    assert seen(client, deploy()) is None
    assert seen(client, deploy(active=False, ran=True)) is None
    assert seen(client, deploy(of="reconcile", active=True, ran=True)) is None, "an audit loads nothing"
    assert seen(client, deploy(trigger=False, ran=True)) is None


def test_an_active_schedule_promises_a_load_from_its_first_run_on(client: SyncPrefectClient, deploy: Deploy) -> None:
    name = deploy(active=True)
    assert seen(client, name) is None, "its first run is still to come"
    name = deploy(active=True, ran=True)
    first = TWO_DAYS_AGO.replace(hour=10, minute=0, second=0)
    assert seen(client, name) == (first if first > TWO_DAYS_AGO else first + timedelta(days=1))
    assert seen(client, name, TWO_DAYS_AGO) is None, "nothing was due between the run and now"


def test_so_does_a_trigger(client: SyncPrefectClient, deploy: Deploy) -> None:
    assert seen(client, deploy(trigger=True, ran=True))
    assert seen(client, deploy(trigger=True)) is None


def test_a_table_that_was_loaded_is_late_while_its_schedule_is_paused(client: SyncPrefectClient) -> None:
    late = Freshness("raw_data.t", "data", "UTC", State.LATE, "yesterday", (), NOW, NOW)
    assert with_expected_first_loads(client, [daily_table("raw_data.t", due=time(10))], [late], NOW) == [late]


def test_the_tables_that_start_without_a_person(client: SyncPrefectClient, deploy: Deploy) -> None:
    one, other, paused = deploy(active=True), deploy(trigger=True), deploy(active=False)
    found = deployments_that_start(client, [one, other, paused, "raw_data.no_deployment"])
    assert sorted(found) == sorted([one, other])


def test_the_newest_run_that_ended_says_whether_the_first_load_failed(
    client: SyncPrefectClient, deploy: Deploy
) -> None:
    name = deploy(active=True)
    starting = deployments_that_start(client, [name])[name]
    assert not last_run_failed(client, starting), "there is none"
    for state, failed in ((Completed(), False), (Failed(), True), (Scheduled(), True)):
        client.create_flow_run_from_deployment(starting[0], state=state)
        assert last_run_failed(client, starting) is failed
