"""Backfills through a process worker that are disturbed: by others, by whoever cancels them, by what is lost."""

import shutil
import signal
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from prefect.client.schemas.objects import State, StateType

from daybook.orchestration.local_stack.polling import wait_until
from tests.support.backfills import DAY, asked, children, days_from, fill_from_here, loaded_days, populate
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE, create, flow_processes, wait_for
from tests.support.prefect_databases import give_database, give_job_template
from tests.support.project_copy import Deployed


@pytest.mark.full
def test_two_overlapping_backfills_and_the_daily_run_at_once(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
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
        wait_for(worker, run, "Completed")
    assert on_postgres.rows() == [row for row in production.rows() if row[1].date() <= yesterday]  # type: ignore[attr-defined]
    assert set(loaded_days(on_postgres)) == set(days_from(first, 30))


@pytest.mark.full
def test_cancelling_it_cancels_its_runs_and_running_it_again_resumes(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    populate(production, 4)
    fill_from_here(worker, 2)
    with on_postgres.locked():
        parent = create(worker, "backfill/on-demand", parameters=asked(4, intervals_per_run=1))
        assert wait_until(
            lambda: any(run.state and run.state.is_running() for run in children(worker, parent)), PATIENCE
        )
        (child,) = children(worker, parent)
        assert child.name == "raw_data.nps 2021-02-07 (backfill)"
        worker.client.set_flow_run_state(parent.id, State(type=StateType.CANCELLING))
        wait_for(worker, parent, "Cancelled")
        wait_for(worker, child, "Cancelled")
    assert len(children(worker, parent)) == 1
    assert set(loaded_days(on_postgres)) == set(days_from(DAY, 2))

    fill_from_here(worker, 4)
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 4), 1)


@pytest.mark.full
def test_a_run_that_is_killed_is_started_again_and_costs_nothing_else(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    populate(production, 4)
    fill_from_here(worker, 1)
    with on_postgres.locked():
        parent = create(worker, "backfill/on-demand", parameters=asked(4))
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        assert wait_until(lambda: bool(children(worker, parent)) and bool(on_postgres.run(waiting)), PATIENCE)
        (child,) = children(worker, parent)
        (process,) = flow_processes(worker, child)
        process.send_signal(signal.SIGKILL)
        wait_for(worker, child, "Crashed")
    wait_for(worker, parent, "Completed")
    assert [run.state.name for run in children(worker, parent) if run.state] == ["Crashed", "Completed"]
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 4), 1)


@pytest.mark.full
def test_today_goes_first(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    """nps/daily has a concurrency limit of one, which a backfill must not keep for itself."""
    populate(production, 4)
    parent = create(worker, "backfill/on-demand", parameters=asked(4, intervals_per_run=1, max_active_runs=4))
    assert wait_until(lambda: len(children(worker, parent)) >= 2, PATIENCE)
    today = create(worker, "nps/daily")
    due = datetime.now(UTC)
    today = wait_for(worker, today, "Completed")
    assert today.start_time
    between = [run for run in children(worker, parent) if run.start_time and due < run.start_time < today.start_time]
    assert len(between) <= 1, "the one that was about to start"
    wait_for(worker, parent, "Completed")
    assert set(loaded_days(on_postgres)) >= set(days_from(DAY, 4))
    starts = sorted(
        (run.start_time, run.end_time) for run in children(worker, parent) if run.start_time and run.end_time
    )
    assert all(one[1] <= other[0] for one, other in pairwise(starts)), "one at a time"


@pytest.mark.full
def test_prefects_database_is_lost_after_half_of_it(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
    deployed_database: Path,
    tmp_path: Path,
) -> None:
    """The ledger is in the warehouse: what is missing is known without Prefect's memory."""
    populate(production, 8)
    fill_from_here(worker, 4)
    stack = worker.stack
    stack.worker.stop()
    stack.server.stop()
    shutil.rmtree(stack.home / "prefect")
    give_database(stack, deployed_database)  # as after `prefect deploy --all`
    stack.start_server()
    stack.wait_for_server()
    give_job_template(worker.client, worker.preloaded_python, tmp_path)
    stack.start_worker()
    worker.make_blocks({"DAYBOOK_PRODUCTION_URL": production.url} | on_postgres.variables)
    run = fill_from_here(worker, 8)
    assert [child.name for child in children(worker, run)] == ["raw_data.nps 2021-02-09 until 2021-02-13 (backfill)"]
    assert on_postgres.rows() == production.rows()
    assert loaded_days(on_postgres) == dict.fromkeys(days_from(DAY, 8), 1)
