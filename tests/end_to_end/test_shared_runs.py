"""End to end: a shared run and a table that waits for two others, deployed by `daybook deploy`, run by a worker."""

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


@pytest.fixture
def project(worker: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Deploy a project to the session's server. Its schedules are paused, so that only this test starts runs."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    off = "{catch_up: off, key_metrics: off, monitor: off, summaries: off}"
    (tmp_path / "daybook.yaml").write_text(f"name: shared\nwork_pool: daybook\ndeployments: {off}\n")
    (tmp_path / "tables/raw_data").mkdir(parents=True)
    for name, (source, schedule) in TABLES.items():
        text = TABLE.format(source=source, schedule=schedule)
        (tmp_path / f"tables/raw_data/{name}.yaml").write_text(text + ("retries: 0\n" if schedule == SHARED else ""))
    assert main(["--yes"]) == 0
    yield tmp_path
    tag = DeploymentFilter(tags=DeploymentFilterTags(all_=["daybook-project:shared"]))
    for one in worker.client.read_deployments(deployment_filter=tag):
        worker.client.delete_deployment(one.id)
    for automation in worker.client.read_automations():
        if "daybook-project:shared" in automation.tags:
            worker.client.delete_automation(automation.id)


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
