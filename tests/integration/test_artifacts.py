"""What a person sees on a run's page: the progress of an extraction, what a load found, and the tags of a run."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact

from daybook.definitions.table_files import read_table
from daybook.ledger.interval_status import IntervalStatus
from daybook.load.planning.plan import Plan, plan
from daybook.model.interval import Interval
from daybook.orchestration.artifacts import extract_progress
from daybook.orchestration.artifacts.backfill_progress import CalendarPage
from daybook.orchestration.artifacts.extract_progress import ExtractPage
from daybook.orchestration.local_stack.polling import wait_until
from flows.load_table import load_table
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE

pytestmark = pytest.mark.usefixtures("small_project", "without_heartbeat")

Use = Callable[..., None]
DAY = date(2021, 2, 5)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extraction is long after a moment."""
    monkeypatch.setattr(extract_progress, "_PAGE_AFTER", 0.01)
    monkeypatch.setattr(extract_progress, "_SECONDS", 0.01)


def artifacts(client: SyncPrefectClient, run_id: Any) -> dict[str, Artifact]:
    """Those of a run, by their keys; Prefect makes one without, of what a run returned."""
    of = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
    return {found.key: found for found in client.read_artifacts(artifact_filter=of) if found.key}


def extracting(client: SyncPrefectClient, planned: Plan, work: Callable[[ExtractPage, Callable[[], str]], None]) -> Any:
    """Have `work` be the extraction of a flow run, with a look at its page. Returns the run's artifacts at its end."""
    seen: dict[str, Any] = {}

    @flow
    def extraction() -> None:
        from prefect import runtime

        seen["run"] = runtime.flow_run.id

        def look() -> str:
            found = artifacts(client, seen["run"]).get("extract-raw-data-nps")
            return str(found.data) if found else ""

        with ExtractPage(planned) as page:
            work(page, look)

    extraction(return_state=True)
    return artifacts(client, seen["run"])


def test_an_extraction_shows_rows_rate_and_when_it_will_be_done(
    quick: None, production: Production, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    production.fill(DAY, 100)
    use(on_postgres)
    state = load_table.with_options(retries=0)("raw_data.nps", DAY, return_state=True)
    assert state.is_completed()
    planned = plan(read_table("raw_data.nps"), date(2021, 2, 6), date(2021, 2, 16))
    looks: list[str] = []

    def work(page: ExtractPage, look: Callable[[], str]) -> None:
        assert wait_until(lambda: "no rows after" in look(), PATIENCE)
        page.count(250)
        assert wait_until(lambda: "250 of " in look(), PATIENCE)
        looks.append(look())
        page.count(1000)

    found = extracting(client, planned, work)
    assert looks[0].startswith("**250 of about 1,000 rows extracted; ")
    assert all(word in looks[0] for word in (" rows/s; about ", " to go, until ", " UTC; as of "))
    page, bar = found["extract-raw-data-nps"], found["extract-raw-data-nps-progress"]
    assert str(page.data).startswith("**1,000 rows extracted in ")
    assert page.description == bar.description
    assert str(page.description).startswith("1,000 rows extracted in ")
    assert str(page.description).endswith(" rows/s (raw_data.nps 2021-02-06 until 2021-02-16)")
    assert bar.data == 100


def test_an_extraction_of_which_nothing_is_known_has_no_bar_and_tells_of_its_failure(
    quick: None, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    use(on_postgres)

    def work(page: ExtractPage, look: Callable[[], str]) -> None:
        page.count(7)
        assert wait_until(lambda: "**7 rows extracted; " in look(), PATIENCE)
        raise ValueError("the source is gone")

    (page,) = extracting(client, plan(read_table("raw_data.nps"), DAY), work).values()
    assert str(page.data).startswith("**failed after 7 rows")


def test_a_server_that_is_away_stops_no_extraction(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    away = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(away), ExtractPage(plan(read_table("raw_data.nps"), DAY)) as page:
        page.count(1)
        assert wait_until(lambda: "raw_data.nps: its progress cannot be shown" in caplog.text, PATIENCE), caplog.text


def test_a_short_extraction_has_no_page(on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient) -> None:
    use(on_postgres)
    planned = plan(read_table("raw_data.nps"), DAY)
    assert extracting(client, planned, lambda page, look: page.count(1)) == {}


def test_a_backfill_shows_its_rows_and_when_it_will_be_done(client: SyncPrefectClient) -> None:
    table = read_table("raw_data.nps")
    assert table.grid is not None
    days: list[Interval] = list(table.grid.between(DAY, date(2021, 2, 9)))
    looks: list[Artifact] = []

    @flow
    def filling() -> None:
        from prefect import runtime

        page = CalendarPage(client, table, [IntervalStatus(day) for day in days], days, "raw_data.nps 2021-02-05")
        time.sleep(0.01)
        page.loaded({days[0]: 1200, days[1]: 34})
        page.update({days[2]: "CheckFailed: a|b *c*"}, [days[3]], final=True)
        looks.append(artifacts(client, runtime.flow_run.id)["backfill-raw-data-nps"])
        page.loaded({days[3]: 1})
        page.update({days[2]: "CheckFailed: a|b *c*"}, [], final=True)
        looks.extend(artifacts(client, runtime.flow_run.id).values())

    filling()
    shown = str(looks[0].data)
    assert shown.startswith("**2 of 4 days loaded, 1 failed, 1 running, 1,234 rows, ")
    assert " rows/s, about 0 s to go, until " in shown
    assert "- **2021-02-07**: CheckFailed: a|b \\*c\\*" in shown
    (page,) = [found for found in looks[1:] if found.type == "markdown"]
    (bar,) = [found for found in looks[1:] if found.type == "progress"]
    assert str(page.description).startswith("3 of 4 days loaded, 1 failed, 1,235 rows, ")
    assert "to go" not in str(page.data)
    assert bar.data == 100


def test_the_card_of_a_load_says_what_matters_and_a_run_of_any_table_is_tagged_with_it(
    production: Production, on_postgres: LiveWarehouse, use: Use, client: SyncPrefectClient
) -> None:
    on_postgres.empty()
    production.fill(DAY, 1234)
    use(on_postgres)
    state = load_table.with_options(retries=0)("raw_data.nps", DAY, return_state=True)
    run = client.read_flow_run(state.state_details.flow_run_id)
    assert run.tags == ["raw_data.nps"]
    (card,) = artifacts(client, run.id).values()
    assert str(card.description).startswith("1,234 rows in ")
    assert str(card.description).endswith(" s, 1 check passed (raw_data.nps 2021-02-05)")
    assert "**1 check passed**" in str(card.data)
    assert "| 🟩 passed | `select count(*) from {table} where score not bet…` | 0 | 0 |" in str(card.data)
