"""The flow load with several tables in this process, on a real Prefect server: each table fails alone."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import ArtifactSort

from daybook.orchestration.load_runs import several_tables
from daybook.orchestration.run_failure import failure_of_run
from flows.load import load
from tests.support.flow_fixtures import LiveWarehouse, Production

DAY = date(2021, 2, 5)
TABLE = """
description: One row per answer.
owner: data
load: replace_interval
cursor: created_at
interval: day
start: 2021-02-01
source: {{kind: database, block: production, table: prod.{name}}}
"""
NAMES = ["nps", "visits", "late", "missing"]


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the tables of a project. Production has no table for the last two."""
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    (tmp_path / "tables/raw_data").mkdir(parents=True)
    for name in NAMES:
        (tmp_path / f"tables/raw_data/{name}.yaml").write_text(TABLE.format(name=name))
    return [f"raw_data.{name}" for name in NAMES]


@pytest.mark.usefixtures("without_heartbeat")
def test_each_table_fails_alone_and_a_retry_loads_what_failed(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[[LiveWarehouse], None],
    client: SyncPrefectClient,
    tables: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_postgres.empty()
    use(on_postgres)
    production.fill(DAY, 10)
    production.fill(DAY, 20, table="visits")
    sum_up, loaded = several_tables._summed_up, list[int]()

    def after_an_attempt(failed: dict[str, BaseException], count: int) -> BaseException:
        loaded.append(len(on_postgres.ledger("nps")) + len(on_postgres.ledger("visits")))
        production.run("CREATE TABLE IF NOT EXISTS prod.late LIKE prod.nps")
        return sum_up(failed, count)

    monkeypatch.setattr(several_tables, "_summed_up", after_an_attempt)
    try:
        state = load.with_options(retries=1, retry_delay_seconds=0)(
            tables=tables, execution_date=DAY, at_once=2, return_state=True
        )
    finally:
        production.run("DROP TABLE IF EXISTS prod.late")
    run = client.read_flow_run(state.state_details.flow_run_id)
    assert state.is_failed() and run.run_count == 2
    assert loaded == [2, 2], "the first attempt loads both tables, the second neither of them again"
    assert [len(on_postgres.rows(name)) for name in ("nps", "visits")] == [10, 20]
    assert [flow_run for *_, flow_run in on_postgres.ledger("late")] == [str(run.id)]
    assert set(tables) <= set(run.tags)
    failure = failure_of_run(run)
    assert failure.reason.startswith("LoadsIncomplete: 1 of 4 tables could not be loaded; the others are loaded\n")
    assert list(failure.parts) == ["raw_data.missing"]
    assert on_postgres.run("SELECT table_name FROM daybook.failures") == [("raw_data.missing",)]
    page = outcomes(client, run)
    assert "**3 tables are loaded, 1 failed**" in page
    assert "| raw_data.late | 2021-02-05 | 0 | " in page and "| raw_data.missing |  |  |  | ❌ SourceError: " in page
    tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
    assert {task.name for task in tasks} == set(tables), "a task run for each table, and none for its steps"


def outcomes(client: SyncPrefectClient, run: FlowRun) -> str:
    """Return the Markdown of the newest page of the run."""
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    found = client.read_artifacts(artifact_filter=of_run, sort=ArtifactSort.CREATED_DESC)
    return next(str(artifact.data) for artifact in found if artifact.type == "markdown")


@pytest.mark.usefixtures("without_heartbeat")
def test_more_tables_need_no_more_connections_and_requests(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[[LiveWarehouse], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prefect_server: str,
) -> None:
    on_postgres.empty()
    use(on_postgres)
    production.fill(DAY, 10)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    (tmp_path / "tables/raw_data").mkdir(parents=True)
    names = [f"copy_{number}" for number in range(20)]
    for name in names:
        (tmp_path / f"tables/raw_data/{name}.yaml").write_text(TABLE.format(name="nps"))
    requests, send = list[str](), httpx.Client.send

    def counted(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        requests.append(f"{request.method} {request.url.path}")
        return send(client, request, **options)

    monkeypatch.setattr(httpx.Client, "send", counted)
    used = []
    for some in (names[:5], names):
        requests.clear()
        before = connections(production)
        load(tables=[f"raw_data.{name}" for name in some], execution_date=DAY, at_once=3)
        used.append((connections(production) - before, len(requests)))
    assert all(on_postgres.rows(name) == production.rows() for name in names)
    (few, of_few), (many, of_many) = used
    assert few <= 4 and many <= 4, "one for each table at a time, and the test's own"
    assert of_many <= of_few + 3 and of_many < 35, requests
    assert sum(path.endswith("/artifacts/") for path in requests) == 1


def connections(production: Production) -> int:
    """Return how many connections MySQL has accepted since it was started."""
    ((_, number),) = production.run("SHOW GLOBAL STATUS LIKE 'Connections'")
    return int(str(number))
