"""End to end: what `daybook deploy` schedules, run by a worker: a shared run, a table that waits, a summary."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.client.schemas.objects import FlowRun

from daybook.cli.project.deploy import main
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE, PAUSE, create, wait_for
from tests.support.project_copy import Deployed

TABLE = """
description: One row per answer.
owner: data
load: replace_interval
cursor: created_at
interval: day
start: 2021-02-01
source: {{kind: database, block: production, table: prod.{source}}}
schedule: {schedule}
"""
SHARED = '"0 6 * * *"'
TABLES = {
    "one": ("nps", SHARED),
    "two": ("visits", SHARED),
    "wrong": ("absent", SHARED),
    "both": ("nps", "{after: [raw_data.one, raw_data.two]}"),
}


#: A summary that is built every minute.
SUMMARY = """
description: The answers of each day.
owner: data
key: [day]
schedule: {{cron: "* * * * *", paused: {paused}}}
"""
SELECT = "select created_at::date as day, count(*) as answers from raw_data.one group by 1\n"


@pytest.fixture
def project(
    worker: Deployed, on_postgres: LiveWarehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Return a project without tables. What it deploys to the session's server is removed after the test."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    off = "{catch_up: off, key_metrics: off, monitor: off, summaries: off}"
    (tmp_path / "daybook.yaml").write_text(f"name: shared\nwork_pool: daybook\ndeployments: {off}\n")
    yield tmp_path
    tag = DeploymentFilter(tags=DeploymentFilterTags(all_=["daybook-project:shared"]))
    for one in worker.client.read_deployments(deployment_filter=tag):
        worker.client.delete_deployment(one.id)
    for automation in worker.client.read_automations():
        if "daybook-project:shared" in automation.tags:
            worker.client.delete_automation(automation.id)
    on_postgres.run("DROP SCHEMA IF EXISTS analytics CASCADE")


def write(project: Path, *names: str) -> None:
    (project / "tables/raw_data").mkdir(parents=True)
    for name in names:
        source, schedule = TABLES[name]
        text = TABLE.format(source=source, schedule=schedule)
        (project / f"tables/raw_data/{name}.yaml").write_text(text + ("retries: 0\n" if schedule == SHARED else ""))


def runs_of(worker: Deployed, deployment: UUID) -> list[FlowRun]:
    chosen = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
    return worker.client.read_flow_runs(flow_run_filter=chosen)


@pytest.mark.full
def test_a_table_runs_once_each_of_the_tables_that_it_waits_for_is_loaded(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse, project: Path
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    production.fill(yesterday, 10)
    production.fill(yesterday, 20, table="visits")
    write(project, *TABLES)
    assert main(["--yes"]) == 0
    waits = worker.client.read_deployment_by_name("load/raw_data.both").id

    shared = wait_for(worker, create(worker, "load/production-0600-retries-0"), "Failed")
    assert shared.state and "1 of 3 tables could not be loaded" in str(shared.state.message)
    assert "raw_data.wrong" in str(shared.state.message)
    assert [len(on_postgres.rows(name)) for name in ("one", "two")] == [10, 20]
    assert wait_until(lambda: bool(runs_of(worker, waits)), PATIENCE, PAUSE), "nothing started raw_data.both"
    (first,) = runs_of(worker, waits)
    wait_for(worker, first, "Completed")
    assert first.created_by and first.created_by.type == "AUTOMATION"
    assert len(on_postgres.rows("both")) == 10

    day = {"execution_date": str(yesterday)}
    wait_for(worker, create(worker, "load/raw_data.one", parameters=day), "Completed")
    wait_for(worker, create(worker, "load/raw_data.one", parameters=day), "Completed")
    assert len(runs_of(worker, waits)) == 1, "raw_data.two was not loaded since"
    wait_for(worker, create(worker, "load/raw_data.two", parameters=day), "Completed")
    assert wait_until(lambda: len(runs_of(worker, waits)) == 2, PATIENCE, PAUSE)
    for run in runs_of(worker, waits):
        wait_for(worker, run, "Completed")


@pytest.mark.full
def test_a_summary_with_a_schedule_is_built_at_its_time(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse, project: Path
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    production.fill(yesterday, 10)
    on_postgres.run("DROP SCHEMA IF EXISTS analytics CASCADE")
    write(project, "one")
    (project / "tables/analytics").mkdir()
    (project / "tables/analytics/by_day.sql").write_text(SELECT)

    def deploy(*, paused: bool) -> None:
        (project / "tables/analytics/by_day.yaml").write_text(SUMMARY.format(paused=str(paused).lower()))
        assert main(["--yes"]) == 0

    deploy(paused=True)
    builds = worker.client.read_deployment_by_name("summaries/analytics.by_day").id
    wait_for(worker, create(worker, "load/raw_data.one", parameters={"execution_date": str(yesterday)}), "Completed")
    assert runs_of(worker, builds) == [], "neither its schedule nor the load starts a build"

    deploy(paused=False)

    def finished() -> list[FlowRun]:
        return [one for one in runs_of(worker, builds) if one.state and one.state.is_final()]

    assert wait_until(lambda: bool(finished()), PATIENCE, PAUSE), "the schedule started no build"
    first = finished()[-1]
    assert first.state and first.state.name == "Completed", first.state
    assert first.auto_scheduled and first.expected_start_time and first.expected_start_time.second == 0
    assert on_postgres.run("SELECT day, answers FROM analytics.by_day") == [(yesterday, 10)]
    ledger = "SELECT flow_run_id FROM daybook.ledger WHERE table_name = 'analytics.by_day'"
    assert on_postgres.run(ledger) == [(str(first.id),)], "a later tick finds nothing to do"
