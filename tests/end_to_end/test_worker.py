"""End to end: deployments of prefect.yaml, run by a process worker, from MariaDB to PostgreSQL."""

import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled
from ruamel.yaml import YAML

from daybook.orchestration.local_stack.demo.flow_runs import run_deployment
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE, create, flow_processes, wait_for
from tests.support.project_copy import Deployed

DAY = date(2021, 2, 5)


@pytest.mark.full
def test_a_day_and_a_full_refresh_through_the_worker(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse
) -> None:
    production.fill(DAY, 100)
    production.fill(DAY + timedelta(days=1), 50, first_id=1000)

    everything = run_deployment(worker.stack, worker.client, "nps/full-refresh", {}, print)
    assert everything.name == "raw_data.nps all of it"
    assert on_postgres.rows() == production.rows()

    production.run("UPDATE prod.nps SET score = 0")
    day = run_deployment(worker.stack, worker.client, "nps/daily", {"execution_date": DAY.isoformat()}, print)
    assert day.name == "raw_data.nps 2021-02-05"
    assert [row[2] for row in on_postgres.rows()][:100] == [0] * 100
    assert on_postgres.rows()[100:] != production.rows()[100:]
    assert [(rows, run) for _, _, rows, run in on_postgres.ledger()] == [(150, str(everything.id)), (100, str(day.id))]


def test_a_late_run_loads_what_it_was_meant_for_and_run_again_does_nothing(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse
) -> None:
    """Scheduled for a morning in 2021, as one that waited for its worker since: it loads the day before that."""
    production.fill(DAY, 100)
    production.fill(DAY + timedelta(days=1), 50, first_id=1000)
    meant = datetime(2021, 2, 6, 9, tzinfo=UTC)

    late = wait_for(worker, create(worker, "nps/daily", state=Scheduled(scheduled_time=meant)), "Completed")
    assert late.name == "raw_data.nps 2021-02-05"
    assert on_postgres.rows() == production.rows(DAY)

    production.run("UPDATE prod.nps SET score = 0")
    ledger, rows = on_postgres.ledger(), on_postgres.rows()
    worker.client.set_flow_run_state(late.id, Scheduled(), force=True)  # as `prefect flow-run retry` does
    again = wait_for(worker, late, "Completed")

    assert again.run_count == 2
    assert on_postgres.ledger() == ledger
    assert on_postgres.rows() == rows
    log = worker.stack.worker.log.read_text()
    assert "raw_data.nps 2021-02-05: nothing to do: this run committed it before it was retried" in log


@pytest.fixture
def soon(worker: Deployed) -> Iterator[datetime]:
    """A deployment nps/soon like nps/daily but for its schedule, made by `prefect deploy`; the instant of its tick.

    It is also the one whose failed runs are tried again after a second: see the comment in prefect.yaml.
    """
    tick = (datetime.now(UTC) + timedelta(seconds=15)).replace(microsecond=0)
    file = worker.stack.root / "soon.yaml"
    content = YAML(typ="safe").load(worker.stack.root / "prefect.yaml")
    daily = next(deployment for deployment in content["deployments"] if deployment["name"] == "daily")
    variables = {"PREFECT_FLOWS_DEFAULT_RETRIES": "3", "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "1"}
    content["deployments"] = [
        daily
        | {
            "name": "soon",
            "work_pool": daily["work_pool"] | {"job_variables": {"env": variables}},
            "schedules": [{"slug": "soon", "interval": 86400, "anchor_date": tick.isoformat(), "timezone": "UTC"}],
        }
    ]
    YAML().dump(content, file)
    worker.deploy("--all", "--prefect-file", str(file))
    yield tick
    worker.client.delete_deployment(worker.client.read_deployment_by_name("nps/soon").id)


def test_a_scheduled_run_happens_by_itself_and_is_tried_again_until_its_source_is_there(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse, soon: datetime
) -> None:
    yesterday = soon.date() - timedelta(days=1)
    for offset in (-1, 0, 1):
        production.fill(yesterday + timedelta(days=offset), 30, first_id=1000 * (offset + 2))
    production.run("RENAME TABLE nps TO nps_away")
    deployment = worker.client.read_deployment_by_name("nps/soon")

    def due() -> list[FlowRun]:
        runs = worker.client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        )
        return [run for run in runs if run.expected_start_time == soon or run.run_count]

    try:
        assert wait_until(lambda: bool(due()), PATIENCE), "the scheduler made no run"
        (run,) = due()
        assert run.auto_scheduled
        wait_for(worker, run, "AwaitingRetry", "Retrying")
        assert on_postgres.rows() == []
    finally:
        production.run("RENAME TABLE nps_away TO nps")

    done = wait_for(worker, run, "Completed")
    assert done.name == f"raw_data.nps {yesterday}"
    assert done.run_count >= 2
    assert on_postgres.rows() == production.rows(yesterday)
    assert [(start.date(), rows, flow_run) for start, _, rows, flow_run in on_postgres.ledger()] == [
        (yesterday, 30, str(run.id))
    ]


@pytest.mark.full
def test_a_killed_run_is_seen_as_crashed_and_another_run_loads_the_day(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse
) -> None:
    production.fill(DAY, 100)
    on_postgres.run("CREATE SCHEMA raw_data")
    on_postgres.run("CREATE TABLE raw_data.nps (id bigint PRIMARY KEY, created_at timestamp, score smallint)")
    with on_postgres.locked():  # the run waits for this
        run = create(worker, "nps/daily", parameters={"execution_date": DAY.isoformat()})
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        assert wait_until(lambda: bool(on_postgres.run(waiting)), PATIENCE)
        (process,) = flow_processes(worker, run)
        process.send_signal(signal.SIGKILL)
        wait_for(worker, run, "Crashed")
    assert on_postgres.rows() == on_postgres.ledger() == []

    run_deployment(worker.stack, worker.client, "nps/daily", {"execution_date": DAY.isoformat()}, print)
    assert on_postgres.rows() == production.rows()
