"""The flow export-sheet on a real Prefect server, and in a process of its own, against a Google on loopback."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import State
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ParameterTypeError

from daybook.errors import TableFileError
from flows.export_sheet import export_sheet
from flows.nps import nps
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.servers.google import Google

pytestmark = pytest.mark.usefixtures("without_heartbeat")

DAY = date(2021, 2, 5)
ROOT = Path(__file__).parents[2]
Use = Callable[..., None]


@pytest.fixture
def report(production: Production, on_postgres: LiveWarehouse, use: Use, google: Google) -> str:
    """The id of a spreadsheet with a sheet Report, beside a raw_data.nps of five rows."""
    on_postgres.empty()
    production.fill(DAY, 5)
    use(on_postgres, GOOGLE_SERVICE_ACCOUNT_FILE=str(google.key_file))
    nps.with_options(retries=0)(DAY)
    return google.new("Report")


def run(client: SyncPrefectClient, *given: Any, **parameters: Any) -> tuple[State, FlowRun]:
    state = export_sheet.with_options(retries=0)(*given, **parameters, return_state=True)
    return state, client.read_flow_run(state.state_details.flow_run_id)


def noted(target: LiveWarehouse, id: str) -> list[tuple[Any, ...]]:
    found = target.run(
        "SELECT table_name, rows_loaded, strategy, flow_run_id FROM daybook.ledger "
        f"WHERE table_name LIKE 'google_sheets.{id}!%' ORDER BY loaded_at"
    )
    return [tuple(row) for row in found]


def test_a_table_is_written_and_the_ledger_and_the_page_say_so(
    client: SyncPrefectClient, production: Production, on_postgres: LiveWarehouse, google: Google, report: str
) -> None:
    state, shown = run(client, report, "Report!A1:C", table="raw_data.nps")

    assert state.is_completed()
    assert shown.name == "raw_data.nps into Report!A1:C"
    rows = [[id, str(created_at), score] for id, created_at, score in production.rows()]
    assert google.spreadsheets[report].sheets["Report"].all() == [["id", "created_at", "score"], *rows]
    assert noted(on_postgres, report) == [(f"google_sheets.{report}!Report!A1:C", 5, "replace", str(shown.id))]
    (page,) = client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[shown.id]))
    )
    assert str(page.data).startswith("**5 rows** below the header, as of ")
    assert f"(https://docs.google.com/spreadsheets/d/{report})" in str(page.data)


def test_a_query_is_written_from_an_address_of_the_browser_in_a_process_of_its_own(
    on_postgres: LiveWarehouse, google: Google, report: str
) -> None:
    query = "SELECT score % 2 AS odd, count(*) AS answers FROM raw_data.nps GROUP BY 1 ORDER BY 1 DESC"
    address = f"https://docs.google.com/spreadsheets/d/{report}/edit#gid=0"
    done = subprocess.run(
        [sys.executable, "-m", "flows.export_sheet", address, "Report", "--query", query],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert google.spreadsheets[report].sheets["Report"].all() == [["odd", "answers"], [1, 2], [0, 3]]
    assert [(name, rows) for name, rows, *_ in noted(on_postgres, report)] == [(f"google_sheets.{report}!Report", 2)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give either table, for the whole table, or query, for some of its rows"),
        ({"table": "raw_data.nps", "query": "SELECT 1"}, "give either table"),
        ({"query": "SELECT colour FROM raw_data.nps"}, 'column "colour" does not exist'),
        ({"query": "SELECT 1; DROP TABLE raw_data.nps"}, "one SELECT without a semicolon"),
    ],
    ids=["nothing", "both", "a column that is not there", "two statements"],
)
def test_what_cannot_be_selected_fails_and_is_not_noted(
    client: SyncPrefectClient,
    on_postgres: LiveWarehouse,
    google: Google,
    report: str,
    given: dict[str, str],
    words: str,
) -> None:
    state, _ = run(client, report, "Report", **given)

    assert state.is_failed()
    assert "ExportFailed: " in str(state.message)
    assert words in str(state.message)
    assert noted(on_postgres, report) == google.requests == []
    assert on_postgres.run("SELECT count(*) FROM raw_data.nps") == [(5,)]


def test_a_sheet_that_is_not_shared_fails_with_the_address_to_share_it_with(
    client: SyncPrefectClient, on_postgres: LiveWarehouse, google: Google, report: str
) -> None:
    google.spreadsheets[report].shared_with.clear()

    state, _ = run(client, report, "Report", table="raw_data.nps")

    assert state.is_failed()
    assert "Share it with that address, as Editor" in str(state.message)
    assert google.email in str(state.message)
    assert "PRIVATE KEY" not in str(state.message)
    assert noted(on_postgres, report) == []


@pytest.mark.parametrize(
    ("parameters", "error", "words"),
    [
        ({"spreadsheet": "My prices"}, ParameterTypeError, "give its id, or its address"),
        ({"range": "Report!B3"}, ParameterTypeError, "give a sheet, or its first and last cell"),
        ({"table": "raw_data.npz"}, TableFileError, "did you mean 'raw_data.nps'"),
    ],
    ids=["spreadsheet", "range", "table"],
)
def test_a_parameter_that_is_mistyped_is_told_how_it_looks(
    prefect_server: str, parameters: dict[str, str], error: type[Exception], words: str
) -> None:
    given = {"spreadsheet": "x", "range": "Report"} | parameters
    with pytest.raises(error, match=words):
        export_sheet.with_options(retries=0)(**given)
