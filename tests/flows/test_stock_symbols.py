"""The flow stock_symbols in this process, on a real Prefect server, with the real yfinance and a small Yahoo."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect import State
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ParameterTypeError

from daybook.backfill.dry_run import forecast
from daybook.definitions.table_files import read_table
from daybook.errors import SourceError
from daybook.ledger.interval_status import read_statuses
from daybook.orchestration.artifacts.dry_run import markdown
from daybook.orchestration.blocks import open as blocks
from daybook.sources.yahoo import retry_budget
from flows.stock_symbols import stock_symbols
from tests.support.flow_fixtures import LiveWarehouse, Row
from tests.support.servers.yahoo import Fault, Yahoo, share

FRIDAY = date(2021, 2, 5)
FIRST, END = date(2021, 1, 4), date(2021, 3, 1)


@pytest.fixture(autouse=True)
def quick(without_heartbeat: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without long waits for Yahoo."""
    monkeypatch.setattr(retry_budget, "SECONDS", 0.01)


@pytest.fixture
def warehouse(on_postgres: LiveWarehouse, use: Callable[..., None]) -> LiveWarehouse:
    on_postgres.empty()
    use(on_postgres)
    return on_postgres


def run(client: SyncPrefectClient, **parameters: Any) -> tuple[State, FlowRun]:
    state = stock_symbols.with_options(retries=0)(**parameters, return_state=True)
    return state, client.read_flow_run(state.state_details.flow_run_id)


def stored(warehouse: LiveWarehouse) -> list[Row]:
    return warehouse.run("SELECT symbol, date FROM raw_data.stock_info ORDER BY 1, 2")


def artifact(client: SyncPrefectClient, run: FlowRun) -> str:
    (found,) = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id])))
    return str(found.data)


def test_a_day_of_the_tables_symbols_and_a_range_of_others(
    warehouse: LiveWarehouse, yahoo: Yahoo, client: SyncPrefectClient
) -> None:
    yahoo.shares |= {"AAPL": share(FIRST, END), "MSFT": share(FIRST, END), "NVDA": share(FIRST, END)}

    state, day = run(client, execution_date=FRIDAY)
    assert state.is_completed() and day.name == "raw_data.stock_info 2021-02-05"
    assert stored(warehouse) == [("AAPL", FRIDAY)]

    monday = FRIDAY + timedelta(days=3)
    run(client, execution_date=FRIDAY, until=monday + timedelta(days=1), symbols=["MSFT", "NVDA"])
    assert stored(warehouse) == [("AAPL", FRIDAY)] + [
        (name, day) for name in ("MSFT", "NVDA") for day in (FRIDAY, monday)
    ]
    assert [rows for _, _, rows, _ in warehouse.ledger("stock_info")] == [1, 2, 0, 0, 2]
    assert yahoo.charts == ["AAPL", "MSFT", "NVDA"]


def test_all_of_it(warehouse: LiveWarehouse, yahoo: Yahoo, client: SyncPrefectClient) -> None:
    today = datetime.now(ZoneInfo("America/New_York")).date()
    yahoo.shares["AAPL"] = share(FIRST, today)

    state, _ = run(client, full_refresh=True)

    assert state.is_completed()
    assert stored(warehouse) == [("AAPL", day) for day in yahoo.shares["AAPL"].bars if day < today]
    state, _ = run(client, full_refresh=True, symbols=["MSFT"])
    assert "symbols omits AAPL, so their rows would be lost" in str(state.message)
    with pytest.raises(SourceError):
        state.result()


def test_after_a_closed_day_there_is_nothing_to_do(
    warehouse: LiveWarehouse, yahoo: Yahoo, client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "prefect.runtime.flow_run.scheduled_start_time", datetime(2021, 2, 7, 10, tzinfo=UTC), raising=False
    )
    state, sunday = run(client)
    assert state.is_completed() and sunday.name == "raw_data.stock_info 2021-02-06, closed"
    assert artifact(client, sunday) == "Nothing to do: XNYS had no session."
    assert yahoo.requests == [] and warehouse.ledger("stock_info") == []


def test_a_symbol_that_fails_fails_the_run_once_the_others_are_loaded(
    warehouse: LiveWarehouse, yahoo: Yahoo, client: SyncPrefectClient
) -> None:
    yahoo.shares |= {"AAPL": share(FIRST, END), "MSFT": share(FIRST, END, fault=Fault(429, "Too Many Requests\r\n"))}

    state, _ = run(client, execution_date=FRIDAY, symbols=["MSFT", "AAPL", "NOPE"])

    assert state.is_failed()
    said = str(state.message)
    assert "SourceIncomplete: raw_data.stock_info 2021-02-05: 1 rows are loaded, but:" in said
    assert "- MSFT: Yahoo limits the rate of requests" in said and "- NOPE: the symbol is unknown to Yahoo" in said
    assert stored(warehouse) == [("AAPL", FRIDAY)]

    yahoo.shares["MSFT"].fault = None
    yahoo.shares["NOPE"] = share(FIRST, END)
    state, _ = run(client, execution_date=FRIDAY, symbols=["MSFT", "AAPL", "NOPE"])
    assert state.is_completed()
    assert stored(warehouse) == [("AAPL", FRIDAY), ("MSFT", FRIDAY), ("NOPE", FRIDAY)]


def test_a_dry_run_shows_days_without_numbers_that_nobody_knows(warehouse: LiveWarehouse) -> None:
    table = read_table("raw_data.stock_info")
    assert table.grid is not None
    intervals = table.grid.between(FRIDAY, FRIDAY + timedelta(days=4))
    standings = read_statuses(blocks.warehouse(), table.name, intervals)
    page = markdown(table, forecast(table, standings, "missing", blocks))
    assert page.startswith("**raw_data.stock_info**: 4 of 4 days would be loaded\n")
    assert "| 2021-02-05 | missing | load |  | 0 |  |" in page
    assert "No rows in the source: the source cannot count them without loading them." in page


@pytest.mark.parametrize("symbols", [[], ["aapl"], ["AAPL", "AAPL"], [""]])
def test_symbols_are_checked_before_anything_runs(symbols: list[str], prefect_server: str) -> None:
    with pytest.raises(ParameterTypeError, match="symbols"):
        stock_symbols(execution_date=FRIDAY, symbols=symbols)
