"""Backfills through a process worker: from MariaDB to PostgreSQL, by runs of the deployments of prefect.yaml."""

import math
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_DEFAULT_RETRIES,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from daybook.errors import BackfillIncomplete, BackfillRefused
from deployments.local.environment import api_url
from deployments.local.errors import StackError
from deployments.local.runs import run_deployment, wait_for_work_pool
from deployments.local.waiting import wait_until
from flows.backfill import backfill
from flows.deployed import find, loading
from tests.flows.conftest import Production, Target
from tests.flows.runs import create, flow_processes, wait_for
from tests.project import Deployed

DAY = date(2021, 2, 5)
Fill = Callable[..., FlowRun]


@pytest.fixture
def fill(worker: Deployed) -> Fill:
    """Run backfill/on-demand on days from DAY on, and wait for its end. Raises StackError if it fails."""

    def fill(days: int, first: date = DAY, **parameters: Any) -> FlowRun:
        return run_deployment(
            worker.stack, worker.client, "backfill/on-demand", asked(days, first, **parameters), print
        )

    return fill


@pytest.fixture
def fill_from_here(worker: Deployed) -> Fill:
    """The same in this process, whose start is spared: its runs are the worker's. Raises what the flow raises."""

    def fill(days: int, first: date = DAY, **parameters: Any) -> FlowRun:
        server = {PREFECT_API_URL: api_url(worker.stack.ui_port)}
        with temporary_settings(server | {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_FLOWS_DEFAULT_RETRIES: 0}):
            state = backfill(**asked(days, first, **parameters), return_state=True)
            state.result()
        return worker.client.read_flow_run(state.state_details.flow_run_id)

    return fill


def asked(days: int, first: date = DAY, **parameters: Any) -> dict[str, Any]:
    return {
        "deployment": "nps/daily",
        "start": first.isoformat(),
        "end": (first + timedelta(days=days)).isoformat(),
        **parameters,
    }


def populate(production: Production, days: int, rows: int = 5, *, table: str = "nps", first: date = DAY) -> None:
    """`rows` rows a day."""
    production.run(
        f"INSERT INTO prod.{table} SELECT seq + 1, '{first}' + INTERVAL seq DIV {rows} DAY + INTERVAL seq SECOND, "
        f"seq % 11 FROM seq_0_to_{days * rows - 1}"
    )


def children(worker: Deployed, parent: FlowRun) -> list[FlowRun]:
    """The runs that a backfill has started, the first one first."""
    of = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent.id]))
    runs = worker.client.read_flow_runs(flow_run_filter=of, limit=200)
    return sorted(runs, key=lambda run: run.created or datetime.min.replace(tzinfo=UTC))


def loaded_days(target: Target, table: str = "nps") -> Counter[date]:
    """How often each day was loaded, by the ledger."""
    return Counter(start.date() for start, *_ in target.ledger(table))


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(count)]


def calendar_of(worker: Deployed, run: FlowRun) -> str:
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    found = worker.client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    )
    return next(str(artifact.data) for artifact in found if artifact.type == "markdown")


@pytest.mark.parametrize("table", ["nps", "visits"])  # with a primary key, and without
def test_the_same_400_days_twice(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill: Fill,
    table: str,
) -> None:
    populate(production, 400, table=table)
    how = {"deployment": "load-table/on-demand", "parameters": {"table": f"raw_data.{table}"}, "select": "all"}
    first = fill(400, **how)
    assert on_postgres.rows(table) == production.rows(table=table)
    assert loaded_days(on_postgres, table) == dict.fromkeys(days_from(DAY, 400), 1)
    (child,) = children(worker, first)
    assert child.name == f"raw_data.{table} 2021-02-05 until 2022-03-12"
    assert {"backfill", f"raw_data.{table} 2021-02-05 until 2022-03-12"} <= set(child.tags)

    before = on_postgres.run(f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM raw_data.{table} t")
    fill(400, **how, intervals_per_run=200)
    assert on_postgres.run(f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM raw_data.{table} t") == before
    assert loaded_days(on_postgres, table) == dict.fromkeys(days_from(DAY, 400), 2)


def test_one_poisoned_day_among_365_fails_alone_and_the_report_names_it(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill_from_here: Fill,
) -> None:
    populate(production, 365)
    poisoned = DAY + timedelta(days=271)
    on_postgres.run("CREATE SCHEMA raw_data")
    on_postgres.run(
        "CREATE TABLE raw_data.nps (id bigint PRIMARY KEY, created_at timestamp, score smallint, "
        f"CONSTRAINT no_such_day CHECK (created_at < '{poisoned}' OR created_at >= '{poisoned + timedelta(days=1)}'))"
    )
    with pytest.raises(BackfillIncomplete) as failed:
        fill_from_here(365)
    assert "364 days loaded, 1 day failed" in str(failed.value)
    assert f"- {poisoned}: LoadFailed" in str(failed.value)
    assert "no_such_day" in str(failed.value)
    parent = worker.client.read_flow_runs(limit=200)
    (parent_run,) = [run for run in parent if run.name == f"nps/daily {DAY} until {DAY + timedelta(days=365)}"]
    assert len(children(worker, parent_run)) - 1 <= 2 * math.log2(365)
    assert loaded_days(on_postgres) == {day: 1 for day in days_from(DAY, 365) if day != poisoned}
    assert calendar_of(worker, parent_run).count("🟥") == 2, "the day and the legend"

    on_postgres.run("ALTER TABLE raw_data.nps DROP CONSTRAINT no_such_day")
    fill_from_here(365, select="failed")
    assert on_postgres.rows() == production.rows()
    assert set(loaded_days(on_postgres).values()) == {1}, "only the one that failed was loaded"


def test_two_overlapping_backfills_and_the_daily_run_at_once(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=29)
    populate(production, 31, first=first)
    runs = [
        create(worker, "backfill/on-demand", parameters=asked(20, first, select="all", intervals_per_run=10)),
        create(worker, "backfill/on-demand", parameters=asked(20, first + timedelta(days=10), intervals_per_run=10)),
        create(worker, "nps/daily"),
    ]
    for run in runs:
        wait_for(worker, run, "Completed", seconds=240)
    assert on_postgres.rows() == [row for row in production.rows() if row[1].date() <= yesterday]  # type: ignore[attr-defined]
    assert set(loaded_days(on_postgres)) == set(days_from(first, 30))


def test_an_interval_emptied_at_the_source_is_emptied_in_the_warehouse(
    production: Production, on_postgres: Target, fill: Fill
) -> None:
    populate(production, 2, table="visits")
    how = {"deployment": "load-table/on-demand", "select": "all"}
    fill(2, **how, parameters={"table": "raw_data.visits"})
    production.run(f"DELETE FROM prod.visits WHERE created_at >= '{DAY}' AND created_at < '{DAY}' + INTERVAL 1 DAY")
    with pytest.raises(StackError, match="ShrinkGuard"):
        fill(1, **how, parameters={"table": "raw_data.visits"})
    assert len(on_postgres.rows("visits")) == 10
    fill(2, **how, parameters={"table": "raw_data.visits", "allow_shrink": True})
    assert on_postgres.rows("visits") == production.rows(table="visits")
    assert len(on_postgres.rows("visits")) == 5


def test_cancelling_it_cancels_its_runs_and_running_it_again_resumes(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill_from_here: Fill,
) -> None:
    populate(production, 4)
    fill_from_here(2)
    with on_postgres.locked():
        parent = create(worker, "backfill/on-demand", parameters=asked(4, intervals_per_run=1))
        assert wait_until(lambda: any(run.state and run.state.is_running() for run in children(worker, parent)), 120)
        (child,) = children(worker, parent)
        assert child.name == "raw_data.nps 2021-02-07"
        worker.client.set_flow_run_state(parent.id, State(type=StateType.CANCELLING))
        wait_for(worker, parent, "Cancelled")
        wait_for(worker, child, "Cancelled")
    assert len(children(worker, parent)) == 1
    assert set(loaded_days(on_postgres)) == set(days_from(DAY, 2))

    fill_from_here(4)
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 4), 1)


def test_a_run_that_is_killed_is_started_again_and_costs_nothing_else(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill_from_here: Fill,
) -> None:
    populate(production, 4)
    fill_from_here(1)
    with on_postgres.locked():
        parent = create(worker, "backfill/on-demand", parameters=asked(4))
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        assert wait_until(lambda: bool(on_postgres.run(waiting)), 120)
        (child,) = children(worker, parent)
        (process,) = flow_processes(worker, child)
        process.send_signal(signal.SIGKILL)
        wait_for(worker, child, "Crashed")
    wait_for(worker, parent, "Completed")
    assert [run.state.name for run in children(worker, parent) if run.state] == ["Crashed", "Completed"]
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 4), 1)


def test_today_goes_first(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
) -> None:
    """nps/daily has a concurrency limit of one, which a backfill must not keep for itself."""
    populate(production, 4)
    parent = create(worker, "backfill/on-demand", parameters=asked(4, intervals_per_run=1, max_active_runs=4))
    assert wait_until(lambda: len(children(worker, parent)) >= 2, 120)
    today = create(worker, "nps/daily")
    due = datetime.now(UTC)
    today = wait_for(worker, today, "Completed")
    assert today.start_time
    between = [run for run in children(worker, parent) if run.start_time and due < run.start_time < today.start_time]
    assert len(between) <= 1, "the one that was about to start"
    wait_for(worker, parent, "Completed", seconds=240)
    assert set(loaded_days(on_postgres)) >= set(days_from(DAY, 4))
    starts = sorted(
        (run.start_time, run.end_time) for run in children(worker, parent) if run.start_time and run.end_time
    )
    assert all(one[1] <= other[0] for one, other in pairwise(starts)), "one at a time"


def test_what_depends_on_the_past_stops_at_the_first_failure(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill_from_here: Fill,
) -> None:
    populate(production, 4)
    production.run(f"UPDATE prod.nps SET score = 99 WHERE created_at = '{DAY + timedelta(days=1)}' + INTERVAL 5 SECOND")
    with pytest.raises(BackfillIncomplete) as failed:
        fill_from_here(4, depends_on_past=True, intervals_per_run=2)
    assert "1 day loaded, 1 day failed" in str(failed.value)
    assert "2021-02-06: CheckFailed" in str(failed.value)
    assert "2 days not tried after that, from 2021-02-07 on" in str(failed.value)
    assert set(loaded_days(on_postgres)) == {DAY}


def test_a_dry_run_lists_the_days_and_loads_nothing(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill_from_here: Fill,
) -> None:
    populate(production, 3)
    fill_from_here(2)
    production.run("DELETE FROM prod.nps WHERE id = 1")
    run = fill_from_here(3, select="all", dry_run=True)
    told = calendar_of(worker, run)
    assert "3 of 3 days would be loaded, 14 rows" in told
    assert "| 2021-02-05 | loaded | load again | 4 | 5 | -1 |" in told
    assert "| 2021-02-07 | missing | load | 5 | 0 | +5 |" in told
    assert children(worker, run) == []
    assert set(loaded_days(on_postgres)) == set(days_from(DAY, 2))


def test_prefects_database_is_lost_after_half_of_it(
    worker: Deployed,
    production: Production,
    on_postgres: Target,
    fill_from_here: Fill,
) -> None:
    """The ledger is in the warehouse: what is missing is known without Prefect's memory."""
    populate(production, 8)
    fill_from_here(4)
    stack = worker.stack
    stack.worker.stop()
    stack.server.stop()
    shutil.rmtree(stack.home / "prefect")
    stack.check_home()
    stack.start_server()
    stack.wait_for_server()
    stack.start_worker()
    wait_for_work_pool(stack, worker.client)
    worker.make_blocks({"DAYBOOK_PRODUCTION_URL": production.url} | on_postgres.variables)
    worker.deploy_all()
    run = fill_from_here(8)
    assert [child.name for child in children(worker, run)] == ["raw_data.nps 2021-02-09 until 2021-02-13"]
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 8), 1)


@pytest.mark.parametrize(
    ("deployment", "parameters", "said"),
    [
        ("nps/dayly", {}, "did you mean 'nps/daily'"),
        ("nonsense", {}, "there is no deployment 'nonsense'"),
        ("nps/full-refresh", {}, "always loads raw_data.nps whole"),
        ("backfill/on-demand", {}, "loads no intervals"),
        ("load-table/on-demand", {}, 'give parameters: {"table"'),
        ("nps/daily", {"alow_shrink": True}, "did you mean 'allow_shrink'"),
        ("nps/daily", {"colour": "red"}, "it takes allow_before_start, allow_shrink"),
        ("nps/daily", {"execution_date": "2021-02-05"}, "execution_date is set by the backfill"),
    ],
)
def test_what_makes_no_sense_is_refused(
    deployed: Deployed, deployment: str, parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(BackfillRefused, match=said.replace("{", r"\{")):
        find(deployed.client, deployment, parameters)


def test_a_table_knows_the_deployment_that_loads_it(deployed: Deployed) -> None:
    assert loading(deployed.client, "raw_data.nps") == "nps/daily"
    assert loading(deployed.client, "raw_data.visits") is None
