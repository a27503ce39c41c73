"""Whose day a run is, and what was missed, where the server's and the worker's clock is moved (no database's is).

The tests' dates go on from one to the next: only a clock that goes back costs a new server.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId

from daybook.orchestration.local_stack.demo.flow_runs import wait_for_work_pool
from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE
from tests.support.notification_stack import MovedStack, NotificationStack, deploy_ours, start_stack
from tests.support.prefect_databases import give_database
from tests.support.preloaded import preloaded, write_job_template
from tests.support.project_copy import kill, run_in
from tests.support.servers.faketime import new_clock
from tests.support.servers.ports import free_port

# This stack of its own takes a minute, and `make test` has a late run in test_worker.py.
pytestmark = pytest.mark.full

NOTHING_TO_DO = "raw_data.nps 2021-02-20: nothing to do: it was loaded at "


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.fixture(scope="module")
def furnished(
    tmp_path_factory: pytest.TempPathFactory,
    production_server: Production,
    on_postgres: LiveWarehouse,
    migrated_database: Path,
) -> Iterator[NotificationStack]:
    """The server and the worker, in a quiet hour long before everything."""
    root = start_stack(tmp_path_factory.mktemp("clock") / "a clone")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as servers:
        patch.setenv("DAYBOOK_UI_PORT", str(free_port()))
        stack = MovedStack(root, clock=new_clock(tmp_path_factory.mktemp("faketime")))
        give_database(stack, migrated_database)
        try:
            address = servers.enter_context(preloaded(stack.environment))
            stack = replace(stack, job_template=write_job_template(address, root))
            with SyncPrefectClient(api=api_url(stack.ui_port)) as client:
                office = NotificationStack(stack, client)
                office.at(utc(2020, 1, 1, 10, 35))
                wait_for_work_pool(stack, client)
                run_in(
                    stack, "daybook", "blocks", DAYBOOK_PRODUCTION_URL=production_server.url, **on_postgres.variables
                )
                deploy_ours(stack, address)
                for deployment in client.read_deployments():
                    client.pause_deployment(deployment.id)
                yield office
        finally:
            kill(stack)


@pytest.fixture
def office(furnished: NotificationStack, production: Production, on_postgres: LiveWarehouse) -> NotificationStack:
    """The stack, with an empty warehouse."""
    on_postgres.empty()
    return furnished


@pytest.fixture
def scheduled(office: NotificationStack) -> Iterator[Callable[..., None]]:
    """A function that switches the schedules of deployments on, until the test ends."""
    resumed = []

    def resume(*names: str) -> None:
        for name in names:
            resumed.append(office.client.read_deployment_by_name(name).id)
            office.client.resume_deployment(resumed[-1])

    yield resume
    for id in resumed:
        office.client.pause_deployment(id)  # which deletes the runs that are not due yet


def starts(target: LiveWarehouse, table: str = "nps") -> list[datetime]:
    """The start of each interval in the ledger, once for each time that it was loaded."""
    return sorted(start for start, _, _, _ in target.ledger(table))


def test_switched_on_late_a_table_is_caught_up_from_its_start(
    office: NotificationStack, production: Production, on_postgres: LiveWarehouse
) -> None:
    for day in range(9, 15):
        production.fill(date(2020, 8, day), 10, table="visits", first_id=100 * day)

    office.at(utc(2020, 8, 13, 20))
    office.wait_for(office.trigger("catch-up/daily", tables=["raw_data.august"]), "Completed")

    assert starts(on_postgres, "august") == [utc(2020, 8, day) for day in (10, 11, 12)]
    assert [row[0] for row in on_postgres.rows("august")] == [
        100 * day + number for day in (10, 11, 12) for number in range(10)
    ]


def test_the_server_was_down_for_six_days(
    office: NotificationStack, scheduled: Callable[..., None], production: Production, on_postgres: LiveWarehouse
) -> None:
    """Prefect's own late runs and catch_up do the work at the same time, and no day is loaded twice."""
    for day in range(4, 14):
        production.fill(date(2021, 2, day), 10, first_id=100 * day)
    office.at(utc(2021, 2, 6, 8, 30))
    scheduled("nps/daily")
    for day in (6, 7):
        run = office.tick("nps/daily", utc(2021, 2, day, 9))
        office.at(utc(2021, 2, day, 8, 59, 58))
        office.wait_for(run, "Completed")
    office.tick("nps/daily", utc(2021, 2, 10, 9))  # Prefect makes three runs ahead
    assert starts(on_postgres) == [utc(2021, 2, 5), utc(2021, 2, 6)]

    office.stack.stop()
    office.at(utc(2021, 2, 13, 9, 30))
    catching_up = office.trigger("catch-up/daily", tables=["raw_data.nps"])

    late = [office.tick("nps/daily", utc(2021, 2, day, 9)) for day in (8, 9, 10)]
    for run in late:
        office.wait_for(run, "Completed")
    office.wait_for(catching_up, "Completed")
    assert starts(on_postgres) == [utc(2021, 2, day) for day in range(5, 13)]
    assert on_postgres.rows() == [row for day in range(5, 13) for row in production.rows(date(2021, 2, day))]
    assert not {utc(2021, 2, day, 9) for day in (11, 12, 13)} & set(office.ticks("nps/daily"))


def test_a_late_run_loads_the_interval_of_its_tick(
    office: NotificationStack, scheduled: Callable[..., None], production: Production, on_postgres: LiveWarehouse
) -> None:
    """The worker starts 20 to 22 hours after the ticks of a cron, an interval, and an rrule schedule.

    A load that another flow calls is meant for that one's tick.
    """
    for day in (14, 15, 16):
        production.fill(date(2021, 2, day), 10, first_id=100 * day)
        production.fill(date(2021, 2, day), 10, table="visits", first_id=100 * day)
    for hour in range(12):
        production.fill(f"2021-02-15 {hour:02}:00:00", 10, table="visits", first_id=10_000 + 100 * hour)
    office.at(utc(2021, 2, 15, 9, 29), worker=False)
    daily = ["nps/by-interval", "load-table/by-rrule"]
    scheduled(*daily, "load-table/by-cron", "nightly/by-parent")
    runs = [office.tick(name, utc(2021, 2, 15, 9, 30)) for name in daily]
    hours = [office.tick("load-table/by-cron", utc(2021, 2, 15, hour, 30)) for hour in (9, 10, 11)]
    parent = office.tick("nightly/by-parent", utc(2021, 2, 15, 9, 30))

    office.at(utc(2021, 2, 16, 7, 31))  # an hour before the next tick, however slow the machine is

    names = [office.wait_for(run, "Completed").name for run in [*runs, *hours]]
    assert names[:2] == ["raw_data.nps 2021-02-14", "raw_data.visits 2021-02-14"]
    assert names[2:] == [f"raw_data.hourly 2021-02-15T{hour}:00" for hour in ("08", "09", "10")]
    office.wait_for(parent, "Completed")
    (child,) = office.client.read_flow_runs(
        flow_run_filter=FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent.id]))
    )
    assert child.name == "raw_data.nightly 2021-02-14"
    for run, table in zip([*runs, child], ("nps", "visits", "nightly"), strict=True):
        assert [(start, id) for start, _, _, id in on_postgres.ledger(table)] == [(utc(2021, 2, 14), str(run.id))]
        source = "nps" if table == "nps" else "visits"
        assert on_postgres.rows(table) == production.rows(date(2021, 2, 14), table=source)
    loaded = {start: id for start, _, _, id in on_postgres.ledger("hourly")}
    assert loaded == {utc(2021, 2, 15, hour): str(run.id) for hour, run in zip((8, 9, 10), hours, strict=True)}
    assert len(on_postgres.ledger("hourly")) == 3
    assert [row[0] for row in on_postgres.rows("hourly")] == [
        10_000 + 100 * hour + number for hour in (8, 9, 10) for number in range(10)
    ]


def test_a_run_that_is_tried_again_the_next_day_loads_the_interval_of_its_tick(
    office: NotificationStack, scheduled: Callable[..., None], production: Production, on_postgres: LiveWarehouse
) -> None:
    for day in (16, 17, 18):
        production.fill(date(2021, 2, day), 10, first_id=100 * day)
    production.run("RENAME TABLE nps TO nps_away")
    try:
        office.at(utc(2021, 2, 17, 8, 30))
        scheduled("nps/retried")
        run = office.tick("nps/retried", utc(2021, 2, 17, 9))
        office.at(utc(2021, 2, 17, 8, 59, 58))
        office.wait_for(run, "AwaitingRetry", "Retrying")
        office.at(utc(2021, 2, 18, 8))
        assert on_postgres.rows() == []
    finally:
        production.run("RENAME TABLE nps_away TO nps")

    done = office.wait_for(run, "Completed")

    assert done.name == "raw_data.nps 2021-02-16"
    assert done.run_count > 1
    assert [(start, id) for start, _, _, id in on_postgres.ledger()] == [(utc(2021, 2, 16), str(run.id))]
    assert on_postgres.rows() == production.rows(date(2021, 2, 16))


def test_a_run_that_waited_for_its_turn_until_after_midnight_loads_the_interval_of_its_tick(
    office: NotificationStack, scheduled: Callable[..., None], production: Production, on_postgres: LiveWarehouse
) -> None:
    for day in (17, 18, 19):
        production.fill(date(2021, 2, day), 10, first_id=100 * day)
    on_postgres.run("CREATE SCHEMA raw_data")
    on_postgres.run("CREATE TABLE raw_data.nps (id bigint PRIMARY KEY, created_at timestamp, score smallint)")
    office.at(utc(2021, 2, 19, 23, 57))  # Prefect lets go of a run's turn five minutes after its last sign of life
    with_lock = on_postgres.connect()
    with_lock.cursor().execute("LOCK TABLE raw_data.nps IN ACCESS EXCLUSIVE MODE")
    try:
        first = office.trigger("nps/before-midnight", execution_date="2021-02-17")
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        assert wait_until(lambda: bool(on_postgres.run(waiting)), PATIENCE)
        scheduled("nps/before-midnight")
        run = office.tick("nps/before-midnight", utc(2021, 2, 19, 23, 59))
        office.at(max(office.stack.clock.now(), utc(2021, 2, 19, 23, 58, 58)))
        office.wait_for(run, "AwaitingConcurrencySlot")
        office.at(utc(2021, 2, 20, 0, 0, 20))
    finally:
        with_lock.close()

    assert office.wait_for(run, "Completed").name == "raw_data.nps 2021-02-18"
    assert [(start, id) for start, _, _, id in on_postgres.ledger()] == [
        (utc(2021, 2, 17), str(first.id)),
        (utc(2021, 2, 18), str(run.id)),
    ]
    assert on_postgres.rows() == [row for day in (17, 18) for row in production.rows(date(2021, 2, day))]


@pytest.fixture
def statements(on_postgres: LiveWarehouse) -> Iterator[Callable[[], list[str]]]:
    """A function that returns what PostgreSQL was sent about Daybook's tables, by whomever, since the test began."""
    ((name, folder),) = on_postgres.run("SELECT current_database(), current_setting('data_directory')")
    log = Path(str(folder)).parent / "postgres.log"
    on_postgres.run(f"ALTER DATABASE {name} SET log_statement = 'all'")
    begin = log.stat().st_size

    def sent() -> list[str]:
        with log.open("rb") as file:
            file.seek(begin)
            said = file.read().decode("utf-8", "replace")
        return [entry for entry in said.split("LOG:  statement: ")[1:] if "daybook" in entry or "raw_data" in entry]

    yield sent
    on_postgres.run(f"ALTER DATABASE {name} RESET log_statement")


def test_a_late_run_whose_interval_was_loaded_does_nothing_and_says_so(
    office: NotificationStack, production: Production, on_postgres: LiveWarehouse, request: pytest.FixtureRequest
) -> None:
    """Prefect at times makes two runs of one tick, and one that was late may be done by catch_up before it starts."""
    production.fill(date(2021, 2, 20), 10)
    meant = utc(2021, 2, 21, 9)
    office.at(meant + timedelta(days=2))
    first = office.wait_for(office.trigger("nps/daily", meant), "Completed")
    ledger, rows = on_postgres.ledger(), on_postgres.rows()
    production.run("UPDATE prod.nps SET score = 0")
    sent: Callable[[], list[str]] = request.getfixturevalue("statements")

    again = office.wait_for(office.trigger("nps/daily", meant), "Completed")

    asked = sent()
    assert NOTHING_TO_DO not in office.log(first)
    assert wait_until(lambda: NOTHING_TO_DO in office.log(again), PATIENCE), office.log(again)
    assert on_postgres.ledger() == ledger
    assert on_postgres.rows() == rows
    assert len(asked) == 1, asked
    assert asked[0].startswith("SELECT")
    assert '"ledger"' in asked[0]
