"""The key metrics as a flow computes, shows and sends them."""

from base64 import b64decode
from datetime import UTC, date, datetime, timedelta

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from daybook.orchestration.variable_store import VariableStore
from flows.key_metrics import key_metrics
from tests.support.declared_blocks import make_blocks
from tests.support.flow_fixtures import LiveWarehouse
from tests.support.loaded_days import NPS, record_loads

MONDAY = date(2026, 7, 20)


@pytest.fixture
def warehouse(without_heartbeat: None, on_postgres: LiveWarehouse) -> LiveWarehouse:
    """An empty PostgreSQL, with its blocks."""
    on_postgres.empty()
    make_blocks(on_postgres.variables)
    return on_postgres


def morning(day: date, hour: int = 9) -> datetime:
    """The morning after a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=hour)


def artifact(client: SyncPrefectClient, key: str) -> str:
    found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), limit=200)
    return str(max(found, key=lambda one: one.created).data)  # type: ignore[type-var,return-value,arg-type]


def test_a_week_is_written_shown_and_told(warehouse: LiveWarehouse, client: SyncPrefectClient) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(-8, 7)]
    record_loads(NPS, *((day, morning(day, 12 if day == MONDAY else 9)) for day in days))
    waiting = set(VariableStore(client, "outbox").all())
    state = key_metrics.with_options(retries=0)(week=MONDAY, tell=True, return_state=True)
    again = key_metrics.with_options(retries=0)(week=MONDAY, return_state=True)
    assert state.is_completed() and again.is_completed()

    rows = warehouse.run(
        "SELECT week_start, runs, runs_failed, runs_from, intervals_due, intervals_in_time, freshness_minutes "
        f"FROM daybook.key_metrics WHERE table_name = '{NPS}' ORDER BY 1"
    )
    assert rows == [
        (MONDAY - timedelta(days=7), 7, 0, "warehouse", 7, 7, 540.0),
        (MONDAY, 7, 0, "warehouse", 7, 6, 540.0),
    ]
    page = artifact(client, "key-metrics")
    assert "| raw_data.nps | 86 % (6 of 7) | 100 % | 0 of 7 |" in page
    picture = page.split("](data:image/svg+xml;base64,")[1].split(")")[0]
    assert b"Week of 2026-07-20" in b64decode(picture)
    run = client.read_flow_run(state.state_details.flow_run_id)  # type: ignore[arg-type]
    assert run.name == "key-metrics 2026-07-20"
    (put,) = set(VariableStore(client, "outbox").all()) - waiting
    notice = VariableStore(client, "outbox").get(put)["notice"]
    VariableStore(client, "outbox").delete(put)
    assert notice["title"] == "Week of 2026-07-20: 86 % (100 %) in time, no run failed"
    assert ["raw_data.nps", "86 % (100 %) in time, none of 7 runs failed, fresh in 9 h"] in notice["facts"]
    assert notice["link"][1].endswith(f"/runs/flow-run/{state.state_details.flow_run_id}")
