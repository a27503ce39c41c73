"""The flow nps in this process, on a real Prefect server: what it loads, and what it shows of that."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun

from daybook.orchestration.local_stack.polling import wait_until
from flows.load_table import load_table
from flows.nps import nps
from tests.support.flow_fixtures import LiveWarehouse, Production, production_on
from tests.support.flow_runs import PATIENCE
from tests.support.servers.mysql import MySQL

pytestmark = pytest.mark.usefixtures("without_heartbeat")

Use = Callable[..., None]
DAY = date(2021, 2, 5)
NOON = datetime(2021, 2, 6, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def production_server(mysql: MySQL) -> Iterator[Production]:
    """Yield `prod` on Oracle's MySQL. The other modules have it on MariaDB."""
    with production_on(mysql) as production:
        yield production


def run(client: SyncPrefectClient, **parameters: Any) -> tuple[State, FlowRun]:
    """Run nps once, without retries; its state, and the run as the server has it."""
    state = nps.with_options(retries=0)(**parameters, return_state=True)
    return state, client.read_flow_run(state.state_details.flow_run_id)


def artifact(client: SyncPrefectClient, run: FlowRun) -> str:
    (found,) = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id])))
    return str(found.data)


def logs(client: SyncPrefectClient, run: FlowRun) -> list[str]:
    """What the run's page shows as its log, once the last line of the run itself is there."""

    def lines() -> list[tuple[str, str]]:
        found = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
        return [(log.name, log.message) for log in found]

    def whole() -> bool:
        return any(name == "prefect.flow_runs" and line.startswith("Finished in state") for name, line in lines())

    assert wait_until(whole, PATIENCE), lines()
    return [line for _, line in lines()]


def instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_a_day_a_range_and_everything_arrive(
    production: Production, target: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    for offset in range(4):
        production.fill(DAY + timedelta(days=offset), 100, first_id=1000 * offset)
    use(target)
    staged = target.staged()  # what other tests left, on purpose

    state, one = run(client, execution_date=DAY)
    assert state.is_completed()
    assert one.name == "raw_data.nps 2021-02-05"
    assert target.rows() == production.rows(DAY)
    assert target.ledger() == [(instant(DAY), instant(DAY + timedelta(days=1)), 100, str(one.id))]

    _, several = run(client, execution_date="2021-02-06", until="2021-02-08")
    assert several.name == "raw_data.nps 2021-02-06 until 2021-02-08"
    assert target.rows() == [row for row in production.rows() if row[1] < datetime(2021, 2, 8)]
    assert [(start.day, rows, run) for start, _, rows, run in target.ledger()[1:]] == [
        (6, 100, str(several.id)),
        (7, 100, str(several.id)),
    ]

    production.run("DELETE FROM prod.nps WHERE id < 50")
    _, everything = run(client, full_refresh=True)
    assert everything.name == "raw_data.nps all of it"
    assert target.rows() == production.rows()
    start, end, rows, flow_run = target.ledger()[-1]
    assert (start, rows, flow_run) == (instant(DAY), 350, str(everything.id))
    assert abs(end - datetime.now(UTC)) < timedelta(hours=1)
    assert target.staged() == staged


def test_a_day_that_is_loaded_again_is_as_the_source_has_it(
    production: Production, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    production.fill(DAY, 20)
    use(on_postgres)
    run(client, execution_date=DAY)
    production.run("UPDATE prod.nps SET score = 10 WHERE id <= 5")
    production.fill("2021-02-05 13:00", 5, first_id=100)

    _, again = run(client, execution_date=DAY)

    assert on_postgres.rows() == production.rows()
    assert [rows for _, _, rows, _ in on_postgres.ledger()] == [20, 25]
    assert on_postgres.ledger()[-1][3] == str(again.id)


def test_without_a_date_it_is_the_day_that_was_over_when_the_run_was_scheduled(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Use,
    client: SyncPrefectClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_postgres.empty()
    production.fill(DAY, 30)
    production.fill(DAY + timedelta(days=1), 40, first_id=100)
    use(on_postgres)
    monkeypatch.setattr("prefect.runtime.flow_run.scheduled_start_time", NOON, raising=False)

    _, scheduled = run(client)

    assert scheduled.name == "raw_data.nps 2021-02-05"
    assert on_postgres.rows() == production.rows(DAY)


def test_before_the_first_day_is_over_there_is_nothing_to_do(
    production: Production,
    on_postgres: LiveWarehouse,
    use: Use,
    client: SyncPrefectClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_postgres.empty()
    use(on_postgres)
    monkeypatch.setattr("prefect.runtime.flow_run.scheduled_start_time", NOON - timedelta(days=1), raising=False)

    state, early = run(client)

    assert state.is_completed()
    assert early.name == "raw_data.nps nothing yet"
    assert on_postgres.rows() == on_postgres.ledger() == []
    assert artifact(client, early) == "Nothing to do: nothing is due yet: it starts on 2021-02-05."


def test_the_run_shows_its_figures_and_daybooks_lines(
    production: Production, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    production.fill(DAY, 1234)
    production.fill(DAY + timedelta(days=2), 5, first_id=5000)
    use(on_postgres)

    _, shown = run(client, execution_date=DAY, until=DAY + timedelta(days=3))

    page = artifact(client, shown)
    assert page.startswith("**1,239 rows** of 3 intervals, by `upsert`; ")
    for line in (
        "| 2021-02-05 00:00 | 2021-02-06 00:00 | 1,234 |",
        "| 2021-02-06 00:00 | 2021-02-07 00:00 | 0 |",
        "| 2021-02-07 00:00 | 2021-02-08 00:00 | 5 |",
    ):
        assert line in page.splitlines()
    for leg in ("extract", "load"):
        assert f"| {leg} | " in page
    told = "\n".join(logs(client, shown))
    assert "extracting into file://" in told
    assert "staged part-00001.csv.zst with 1239 rows" in told
    assert "committed 1,239 rows" in told
    assert "Created a new engine" not in told


def test_a_failure_is_told_once_in_its_own_words(
    production: Production, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    production.fill(DAY, 10)
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")
    use(on_postgres)

    state, failed = run(client, execution_date=DAY)

    assert state.is_failed()
    assert "CheckFailed: raw_data.nps" in str(state.message)
    assert on_postgres.rows() == on_postgres.ledger() == []
    told = logs(client, failed)
    assert len([line for line in told if line.startswith("CheckFailed: raw_data.nps")]) == 1
    assert "Traceback" not in "\n".join(told)
    assert "the staged parts are kept at file://" in "\n".join(told)


def test_load_table_loads_the_same_table_by_its_name(
    production: Production, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    production.fill(DAY, 10)
    use(on_postgres)

    state = load_table.with_options(retries=0)("raw_data.nps", DAY, return_state=True)

    assert client.read_flow_run(state.state_details.flow_run_id).name == "raw_data.nps 2021-02-05"
    assert on_postgres.rows() == production.rows()
