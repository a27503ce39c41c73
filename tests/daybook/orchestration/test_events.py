"""By availability as well as by time: the event of each commit, what it triggers, and waiting inside a flow."""

import contextvars
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import Flow, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events import Event
from prefect.events.filters import EventFilter, EventNameFilter, EventRelatedFilter, EventResourceFilter
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from ruamel.yaml import YAML

from daybook.orchestration import tasks
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE, wait_for
from tests.support.nps_flow import nps
from tests.support.project_copy import ROOT, Deployed
from tests.support.servers.gate import gate

DAY = date(2021, 2, 5)
NPS = "daybook.table.raw_data.nps"
SAFE = YAML(typ="safe", pure=True)


def of_run(client: SyncPrefectClient, run: UUID, resource: str = NPS) -> list[Event]:
    """The events about a table that one flow run emitted."""
    wanted = EventFilter(
        event=EventNameFilter(name=["daybook.table.loaded"]),
        resource=EventResourceFilter(id=[resource]),
        related=EventRelatedFilter(id=[f"prefect.flow-run.{run}"]),
    )
    return client.read_events(wanted, limit=50).events


# The event


@pytest.fixture
def client(
    prefect_server: str,
    small_project: Path,
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[[LiveWarehouse], None],
) -> Iterator[SyncPrefectClient]:
    """The tests' own server, with blocks and an empty warehouse; runs in this process have no heartbeat to wait for."""
    on_postgres.empty()
    use(on_postgres)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), get_client(sync_client=True) as client:
        yield client


def run(**parameters: Any) -> UUID:
    """Run nps in this process; the run's id."""
    state = nps.with_options(retries=0)(**parameters, return_state=True)
    assert state.is_completed(), state
    assert state.state_details.flow_run_id
    return state.state_details.flow_run_id


def the_event(client: SyncPrefectClient, run: UUID) -> Event:
    assert wait_until(lambda: bool(of_run(client, run)), PATIENCE), "no event came"
    (event,) = of_run(client, run)
    return event


def test_every_commit_emits_one_event(client: SyncPrefectClient, production: Production) -> None:
    for offset in range(3):
        production.fill(DAY + timedelta(days=offset), 10, first_id=100 * offset)

    day = the_event(client, run(execution_date=DAY))
    several = the_event(client, run(execution_date=DAY, until=DAY + timedelta(days=3)))
    everything = the_event(client, run(full_refresh=True))

    assert dict(day.resource) == {
        "prefect.resource.id": NPS,
        "prefect.resource.name": "raw_data.nps",
        "daybook.strategy": "upsert",
    }
    midnights = [f"2021-02-0{day}T00:00:00+00:00" for day in (5, 6, 7, 8)]
    assert day.payload == {
        "table": "raw_data.nps",
        "execution_date": "2021-02-05",
        "until": "2021-02-06",
        "full_refresh": False,
        "rows": 10,
        "intervals": [midnights[:2]],
    }
    assert several.payload == day.payload | {
        "until": "2021-02-08",
        "rows": 30,
        "intervals": [midnights[0:2], midnights[1:3], midnights[2:4]],
    }
    (whole,) = everything.payload.pop("intervals")
    assert whole[0] == midnights[0]
    assert everything.payload == {
        "table": "raw_data.nps",
        "execution_date": None,
        "until": None,
        "full_refresh": True,
        "rows": 30,
    }
    assert everything.resource["daybook.strategy"] == "replace"


def test_a_run_that_committed_nothing_emits_nothing(client: SyncPrefectClient, production: Production) -> None:
    production.fill(DAY, 10)
    first, nothing_left = run(), run()
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")  # which a check of the table file refuses
    state = nps.with_options(retries=0)(execution_date=DAY, return_state=True)
    assert state.is_failed()
    assert state.state_details.flow_run_id
    production.run("UPDATE prod.nps SET score = 4 WHERE id = 3")

    the_event(client, first)
    the_event(client, run(execution_date=DAY))  # events arrive in order: those before it would be there by now

    assert of_run(client, nothing_left) == of_run(client, state.state_details.flow_run_id) == []


def test_a_load_does_not_mind_when_its_event_cannot_be_emitted(
    client: SyncPrefectClient,
    production: Production,
    on_postgres: LiveWarehouse,
    project: Path,
    prefect_server: str,
) -> None:
    """The way to the server is cut for events alone: nobody answers."""
    production.fill(DAY, 10)
    host, port = re.findall(r"//(.*):(\d+)/", prefect_server)[0]
    with gate(host, int(port)) as way:
        way.hold(b"/api/events/in")
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.load_table", "raw_data.nps", DAY.isoformat()],
            cwd=project,
            env={**os.environ, "PREFECT_API_URL": prefect_server.replace(port, str(way.port))},
            stderr=subprocess.DEVNULL,
        )
        try:
            assert wait_until(lambda: bool(on_postgres.ledger()), PATIENCE)
            run = UUID(on_postgres.ledger()[0][3])
            assert wait_until(lambda: client.read_flow_run(run).state.is_final(), PATIENCE)  # type: ignore[union-attr]
        finally:
            process.kill()  # before its end it would try for two minutes to get rid of its events
            process.wait()
        assert way.reached.is_set()
    assert client.read_flow_run(run).state.is_completed()  # type: ignore[union-attr]
    assert on_postgres.rows() == production.rows()
    assert of_run(client, run) == []


# Deployments that it triggers

DOCUMENT = (ROOT / "docs" / "guides" / "triggers.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The only block of this language in docs/guides/triggers.md."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found)


def deploy(worker: Deployed, entry: str) -> None:
    """`prefect deploy` of prefect.yaml with this entry added to it, for that entry alone."""
    (name,) = re.findall(r"- name: (\S+)", entry)
    file = worker.stack.root / "triggered.yaml"
    content = (worker.stack.root / "prefect.yaml").read_text(encoding="utf-8")
    file.write_text(f"{content.rstrip()}\n\n{entry}", encoding="utf-8")
    worker.deploy("--name", name, "--prefect-file", str(file))


def automations(worker: Deployed, deployment: UUID) -> list[dict[str, Any]]:
    """The automations that belong to a deployment."""
    found = worker.client.request("GET", f"/automations/related-to/prefect.deployment.{deployment}")
    return list(found.json())


@pytest.fixture
def following(worker: Deployed) -> Iterator[UUID]:
    """The deployment of docs/guides/triggers.md, for raw_data.visits."""
    entry = block("yaml").replace("orders", "visits")
    deploy(worker, entry)
    deployment = worker.client.read_deployment_by_name("load-table/visits-after-nps").id
    yield deployment
    for automation in automations(worker, deployment):
        worker.client.delete_automation(UUID(automation["id"]))  # it outlives the deployment
    worker.client.delete_deployment(deployment)


def runs_of(worker: Deployed, deployment: UUID) -> list[FlowRun]:
    """The runs of a deployment, the oldest first."""
    return worker.client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )


@pytest.mark.full
def test_a_commit_starts_a_deployment_with_its_dates(
    worker: Deployed,
    client: SyncPrefectClient,
    production: Production,
    on_postgres: LiveWarehouse,
    following: UUID,
) -> None:
    for offset in range(5):
        for table in ("nps", "visits"):
            production.fill(DAY + timedelta(days=offset), 20, table=table, first_id=100 * offset)
    dates = {"execution_date": DAY.isoformat()}
    range_ = {"execution_date": "2021-02-06", "until": "2021-02-09"}

    for number, given in enumerate([dates, range_, {"full_refresh": True}], start=1):
        run(**given)
        assert wait_until(lambda number=number: len(runs_of(worker, following)) >= number, PATIENCE), (
            "nothing was triggered"
        )
        newest = runs_of(worker, following)[-1]
        wait_for(worker, newest, "Completed")
        if given == dates:
            assert on_postgres.rows("visits") == production.rows(DAY, table="visits")
        elif given == range_:
            assert len(on_postgres.rows("visits")) == 80

    assert on_postgres.rows("visits") == production.rows(table="visits")
    triggered = runs_of(worker, following)
    assert [run.name for run in triggered] == [
        "raw_data.visits 2021-02-05",
        "raw_data.visits 2021-02-06 until 2021-02-09",
        "raw_data.visits all of it",
    ]
    shown = [{name: run.parameters[name] for name in ("execution_date", "until", "full_refresh")} for run in triggered]
    assert shown == [
        {"execution_date": "2021-02-05", "until": "2021-02-06", "full_refresh": False},
        {"execution_date": "2021-02-06", "until": "2021-02-09", "full_refresh": False},
        {"execution_date": None, "until": None, "full_refresh": True},
    ]


@pytest.mark.full
def test_two_commits_at_once_start_a_run_each_and_deploying_again_changes_nothing(
    worker: Deployed,
    client: SyncPrefectClient,
    production: Production,
    on_postgres: LiveWarehouse,
    following: UUID,
) -> None:
    entry = block("yaml").replace("orders", "visits")
    deploy(worker, entry)
    (automation,) = automations(worker, following)
    assert automation["enabled"]
    assert automation["name"] == "visits-after-nps__automation_1"

    days = [DAY + timedelta(days=offset) for offset in range(2)]
    with ThreadPoolExecutor(2) as threads:
        loads = [threads.submit(contextvars.copy_context().run, run, execution_date=day) for day in days]
        for load in loads:
            load.result(timeout=PATIENCE)
    assert wait_until(lambda: len(runs_of(worker, following)) >= 2, PATIENCE)
    for triggered in runs_of(worker, following):
        wait_for(worker, triggered, "Completed")

    assert sorted(triggered.parameters["execution_date"] for triggered in runs_of(worker, following)) == [
        day.isoformat() for day in days
    ]
    assert [start.date() for start, *_ in sorted(on_postgres.ledger("visits"))] == days

    deploy(worker, entry.split("    triggers:")[0])
    assert automations(worker, following) == []


def test_the_example_in_prefect_yaml_is_the_one_of_the_document() -> None:
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    (commented,) = re.findall(r"^#   triggers:\n(?:#     .*\n)+", text, re.MULTILINE)
    example = SAFE.load(commented.replace("#   ", ""))
    documented = SAFE.load(f"definitions: [&one_at_a_time 1, &work_pool 1]\ndeployments:\n{block('yaml')}")
    assert example["triggers"] == documented["deployments"][0]["triggers"]


# Waiting


@pytest.fixture
def answers_of(tmp_path: Path) -> Flow[..., int]:
    """The flow of docs/guides/triggers.md, from a file; it asks more often."""
    file = tmp_path / "answers.py"
    file.write_text(block("python").replace("poll_seconds=60", "poll_seconds=0.2"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("answers", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    flow = module.answers_of
    assert isinstance(flow, Flow)
    return flow


def tasks_of(client: SyncPrefectClient, flow: str) -> list[tuple[str, str]]:
    """The tasks of the newest run of a flow, with their states' names."""
    newest = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])), sort=FlowRunSort.START_TIME_DESC, limit=1
    )
    found = (
        client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id for run in newest])))
        if newest
        else []
    )
    return [(task.name.rsplit("-", 1)[0], task.state_name or "") for task in found]


def test_a_flow_waits_until_another_run_has_loaded_the_interval(
    client: SyncPrefectClient, production: Production, answers_of: Flow[..., int]
) -> None:
    production.fill(DAY, 10)
    production.fill(DAY + timedelta(days=1), 20, first_id=100)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(contextvars.copy_context().run, answers_of, execution_date="2021-02-06")
        assert wait_until(lambda: tasks_of(client, "answers-of") == [("wait-for", "Running")], PATIENCE)
        run(execution_date=DAY)  # not the day that is waited for
        assert not waiting.done()
        run(execution_date="2021-02-06")
        assert waiting.result(timeout=PATIENCE) == 20
    assert wait_until(lambda: tasks_of(client, "answers-of") == [("wait-for", "Completed")], PATIENCE)


def test_waiting_ends_in_time_and_says_what_was_waited_for(client: SyncPrefectClient, production: Production) -> None:
    production.fill(DAY, 10)
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")

    @flow(name="impatient")
    def impatient() -> None:
        tasks.wait_for("raw_data.nps", DAY, timeout_seconds=0.5, poll_seconds=0.2)

    never = impatient(return_state=True)
    assert never.is_failed()
    assert "NotLoadedInTime: raw_data.nps 2021-02-05 was not loaded within 0:00:00.500000" in str(never.message)

    assert nps.with_options(retries=0)(execution_date=DAY, return_state=True).is_failed()
    in_vain = impatient(return_state=True)
    assert "Its last run failed: " in str(in_vain.message)
    assert "CheckFailed: raw_data.nps 2021-02-05: a check failed" in str(in_vain.message)

    run(full_refresh=False, execution_date="2021-02-06")
    production.run("UPDATE prod.nps SET score = 4 WHERE id = 3")
    run(full_refresh=True)
    assert impatient(return_state=True).is_completed()  # a full refresh has the day, too


def test_waiting_for_what_is_no_interval_fails_at_once(client: SyncPrefectClient) -> None:
    @flow(name="mistaken")
    def mistaken() -> None:
        tasks.wait_for("raw_data.nps", datetime(2021, 2, 5, 13))

    state = mistaken(return_state=True)
    assert state.is_failed()
    assert "No day starts at 2021-02-05T13:00:00" in str(state.message)
