"""daybook.failures: what each run that ended without its commit leaves there, on a real server and its worker."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Crashed, Scheduled
from sqlalchemy import make_url

from daybook.ledger.failures import Failures, now
from daybook.lifecycle.table_list import listed, read_ledger
from daybook.model.interval import Interval
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.flow_options import load_flow_options
from daybook.orchestration.local_stack.polling import wait_until
from flows.load_table import load_table
from flows.summaries import summaries
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE, create, flow_processes, wait_for
from tests.support.nps_flow import nps
from tests.support.project_copy import Deployed
from tests.support.servers.ports import free_port

DAY = date(2021, 2, 5)
MIDNIGHT = datetime(2021, 2, 5, tzinfo=UTC)
Row = tuple[str, datetime, datetime, str, str]


def failures(target: LiveWarehouse) -> list[Row]:
    """(table, start, end, flow run, error) of each row of daybook.failures, the oldest first."""
    try:
        found: list[Any] = target.run(
            "SELECT table_name, interval_start, interval_end, flow_run_id, error FROM daybook.failures "
            "ORDER BY failed_at"
        )
    except psycopg2.errors.UndefinedTable:
        return []
    return [(table, start.astimezone(UTC), end.astimezone(UTC), run, error) for table, start, end, run, error in found]


def left(target: LiveWarehouse, rows: int) -> list[Row]:
    """The failures, once there are so many: a run is seen to have failed before its hook has run."""
    assert wait_until(lambda: len(failures(target)) >= rows, PATIENCE), failures(target)
    return failures(target)


def created(worker: Deployed, deployment: str, retries: int = 0, **parameters: Any) -> FlowRun:
    """A run of a deployment, whose retries come after a second."""
    variables = {"PREFECT_FLOWS_DEFAULT_RETRIES": str(retries), "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "1"}
    return create(worker, deployment, parameters=parameters, job_variables={"env": variables})


def poison(production: Production) -> None:
    """A score that the check of tables/raw_data/nps.yaml refuses."""
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")


def cure(production: Production) -> None:
    production.run("UPDATE prod.nps SET score = 4 WHERE id = 3")


@pytest.fixture
def client(
    prefect_server: str,
    small_project: Path,
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[..., None],
) -> Iterator[SyncPrefectClient]:
    """The tests' own server, with blocks and an empty warehouse; runs in this process have no heartbeat to wait for."""
    on_postgres.empty()
    use(on_postgres)
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), get_client(sync_client=True) as client:
        yield client


def test_a_failed_run_leaves_its_table_interval_and_words(
    worker: Deployed, client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse
) -> None:
    """By its date, as a range, by the name of its table, and, through the worker, by when it was scheduled for."""
    production.fill(DAY, 10)
    poison(production)
    meant = Scheduled(scheduled_time=datetime(2021, 2, 6, 9, tzinfo=UTC))
    late = create(worker, "nps/daily", state=meant, job_variables={"env": {"PREFECT_FLOWS_DEFAULT_RETRIES": "0"}})
    day, several = {"execution_date": DAY}, {"execution_date": DAY, "until": DAY + timedelta(days=3)}
    states = [
        nps.with_options(retries=0)(**day, return_state=True),
        nps.with_options(retries=0)(**several, return_state=True),
        load_table.with_options(retries=0)("raw_data.nps", **day, return_state=True),
    ]
    wait_for(worker, late, "Failed")

    rows = left(on_postgres, 4)
    by_run = {run: (table, start, end, error) for table, start, end, run, error in rows}
    assert len(by_run) == len(rows) == 4
    runs = [state.state_details.flow_run_id for state in states]
    for run, days in zip([*runs, late.id], [1, 3, 1, 1], strict=True):
        table, start, end, error = by_run[str(run)]
        assert (table, start, end) == ("raw_data.nps", MIDNIGHT, MIDNIGHT + timedelta(days=days))
        assert "CheckFailed: raw_data.nps 2021-02-05" in error
        assert "where score not between 0 and 10 returned 1; expected 0" in error
    assert on_postgres.ledger() == []


def test_a_failed_run_of_scattered_days_leaves_a_row_for_each_stretch(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse
) -> None:
    production.fill(DAY, 10)
    poison(production)
    days = [DAY + timedelta(days=number) for number in (5, 0, 1)]
    state = load_table.with_options(retries=0)("raw_data.nps", intervals=days, return_state=True)
    run = client.read_flow_run(state.state_details.flow_run_id)
    assert run.name == "raw_data.nps 2021-02-05 until 2021-02-07, 2021-02-10"
    rows = left(on_postgres, 2)
    assert {(start, end) for _, start, end, *_ in rows} == {
        (MIDNIGHT + timedelta(days=first), MIDNIGHT + timedelta(days=end)) for first, end in ((0, 2), (5, 6))
    }
    assert {run_id for *_, run_id, _ in rows} == {str(run.id)}
    assert on_postgres.ledger() == []


@pytest.mark.parametrize(
    ("killed_by", "words"), [(signal.SIGKILL, "due to a SIGKILL signal"), (signal.SIGTERM, "by a termination signal")]
)
def test_a_run_that_was_killed_leaves_a_row_too(
    killed_by: signal.Signals,
    words: str,
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    """After SIGKILL its own process cannot: the worker runs the hook when it sees the end of it."""
    production.fill(DAY, 100)
    on_postgres.run("CREATE SCHEMA raw_data")
    on_postgres.run("CREATE TABLE raw_data.nps (id bigint PRIMARY KEY, created_at timestamp, score smallint)")
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with contextlib.closing(on_postgres.connect()) as connection:
        connection.cursor().execute("LOCK TABLE raw_data.nps IN ACCESS EXCLUSIVE MODE")  # the run waits for this
        run = created(worker, "nps/daily", execution_date="2021-02-05")
        assert wait_until(lambda: bool(on_postgres.run(waiting)), PATIENCE)
        (process,) = flow_processes(worker, run)
        process.send_signal(killed_by)
        if killed_by == signal.SIGKILL:  # SIGTERM is heard once the statement is over
            wait_for(worker, run, "Crashed")
    wait_for(worker, run, "Crashed")

    ((table, start, end, flow_run, error),) = left(on_postgres, 1)
    assert (table, start, end, flow_run) == ("raw_data.nps", MIDNIGHT, MIDNIGHT + timedelta(days=1), str(run.id))
    assert words in error or f"status code {-killed_by}" in error  # Prefect 3.8.0 says no more
    assert on_postgres.run("SELECT error_class FROM daybook.failures") == [(None,)], "no exception told why"
    assert on_postgres.rows() == on_postgres.ledger() == []


@pytest.mark.full
def test_only_the_last_try_of_a_run_counts(
    worker: Deployed,
    production: Production,
    on_postgres: LiveWarehouse,
) -> None:
    """Retried in vain it leaves one row; tried again by a person, one more; mended, none."""
    production.fill(DAY, 10)
    poison(production)
    run = created(worker, "nps/daily", retries=2, execution_date="2021-02-05")
    assert wait_for(worker, run, "Failed").run_count == 3
    assert [flow_run for *_, flow_run, _ in left(on_postgres, 1)] == [str(run.id)]

    worker.client.set_flow_run_state(run.id, Scheduled(), force=True)  # as `prefect flow-run retry` does
    assert wait_until(lambda: worker.client.read_flow_run(run.id).run_count > 3, 300)
    assert [flow_run for *_, flow_run, _ in left(on_postgres, 2)] == [str(run.id)] * 2

    on_postgres.run("DROP TABLE daybook.failures")
    mended = created(worker, "nps/daily", retries=60, execution_date="2021-02-05")
    wait_for(worker, mended, "AwaitingRetry", "Retrying")
    cure(production)
    assert wait_for(worker, mended, "Completed").run_count >= 2
    assert failures(on_postgres) == []
    assert on_postgres.rows() == production.rows()


# In this process: what does not need the worker


@pytest.mark.full
def test_a_warehouse_that_is_down_hides_no_failure(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse, use: Callable[..., None]
) -> None:
    production.fill(DAY, 10)
    url = make_url(on_postgres.variables["DAYBOOK_WAREHOUSE_URL"]).set(port=free_port(), password="very-secret")
    use(on_postgres, DAYBOOK_WAREHOUSE_URL=url.render_as_string(hide_password=False))

    state = nps.with_options(retries=0)(execution_date=DAY, return_state=True)

    assert state.is_failed()
    assert "WarehouseLost: raw_data.nps 2021-02-05" in str(state.message)
    assert "onnection refused" in str(state.message)
    assert "very-secret" not in str(state.message)
    assert failures(on_postgres) == []


def test_a_failed_full_refresh_leaves_a_row_without_an_interval(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse
) -> None:
    """No interval has failed then. A date that is no interval cannot fail, and leaves no row."""
    production.fill(DAY, 10)
    poison(production)
    whole = nps.with_options(retries=0)(full_refresh=True, return_state=True)
    never = nps.with_options(retries=0)(execution_date="2121-02-05", return_state=True)
    assert "CheckFailed: raw_data.nps all of it" in str(whole.message)
    assert "IntervalError: raw_data.nps: 2121-02-05 is not over" in str(never.message)
    ((table, start, end, _, error),) = failures(on_postgres)
    assert (table, start) == ("raw_data.nps", end) and error.startswith("CheckFailed: raw_data.nps all of it")


def test_a_failed_build_leaves_a_row_and_a_good_one_ends_it(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse, small_project: Path
) -> None:
    """`daybook tables` says so. It is not said of the summary that was skipped."""
    production.fill(DAY, 10)
    on_postgres.run("DROP SCHEMA IF EXISTS analytics CASCADE")
    assert nps.with_options(retries=0)(execution_date=DAY, return_state=True).is_completed()
    file = small_project / "tables/analytics/nps_summary.yaml"
    good, names = file.read_text(), ["analytics.nps_summary", "analytics.nps_rolling"]
    file.write_text(good + "output_checks: [{sql: 'select count(*) from {table}', equals: 42}]\n")
    began = datetime.now(UTC)
    state = summaries.with_options(retries=0)(names, return_state=True)

    assert "CheckFailed: analytics.nps_summary" in str(state.message)
    ((table, start, end, run, error),) = failures(on_postgres)
    assert (table, start, run) == ("analytics.nps_summary", end, str(state.state_details.flow_run_id))
    assert error.startswith("CheckFailed: analytics.nps_summary")
    found = {row.name: row for row in listed(read_ledger(blocks.warehouse()), datetime.now(UTC), ["analytics.nps*"])}
    assert {name: row.state for name, row in found.items()} == dict(zip(names, ["failed", "never loaded"], strict=True))
    assert began < (found[table].failed_since or began) < datetime.now(UTC)

    file.write_text(good)
    assert summaries.with_options(retries=0)(names, return_state=True).is_completed()
    again = listed(read_ledger(blocks.warehouse()), datetime.now(UTC), names)
    assert not [row.name for row in again if row.failed_since]


def test_a_killed_run_of_several_tables_has_not_failed_what_it_committed(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse
) -> None:
    production.fill(DAY, 10)
    state = nps.with_options(retries=0)(execution_date=DAY, return_state=True)
    run = client.read_flow_run(state.state_details.flow_run_id)
    run.parameters = {"tables": ["raw_data.nps", "raw_data.user_session_channel"]}
    (note_failure,) = load_flow_options()["on_crashed"]
    note_failure(load_table, run, Crashed(message="killed"))
    assert [(table, error) for table, *_, error in failures(on_postgres)] == [
        ("raw_data.user_session_channel", "killed")
    ]


def test_words_of_any_length_and_in_any_alphabet_are_kept_from_their_beginning(
    target: LiveWarehouse, use: Callable[..., None]
) -> None:
    """Each kind of warehouse has its own limit: Redshift counts bytes, and none of them holds a NUL."""
    use(target)
    warehouse, day = blocks.warehouse(), Interval(MIDNIGHT, MIDNIGHT + timedelta(days=1))
    with warehouse.session() as session:
        Failures(warehouse).record(session, now("raw_data.nps", day, None, "don't\0 \\ '%s' " + "😀" * 5000))
    with warehouse.session() as session:
        (kept,) = Failures(warehouse).within(session, "raw_data.nps", day)
    assert (kept.table, kept.stretch, kept.flow_run_id) == ("raw_data.nps", day, None)
    assert kept.error == ("don't \\ '%s' " + "😀" * 5000)[: len(kept.error)]
    assert len(kept.error) >= 900


def test_a_load_within_another_flow_notes_the_day_that_it_was_meant_for(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse
) -> None:
    """A parent that is late: Prefect says of the child that it was scheduled now."""
    production.fill(DAY, 10)
    poison(production)

    @flow(name="parent")
    def parent() -> None:
        nps.with_options(retries=0)()

    run = client.create_flow_run(parent, state=Scheduled(scheduled_time=datetime(2021, 2, 6, 9, tzinfo=UTC)))
    state = run_flow(parent, flow_run=run, return_type="state")
    assert "CheckFailed: raw_data.nps 2021-02-05" in str(state.message)
    assert [start for _, start, *_ in failures(on_postgres)] == [MIDNIGHT]
