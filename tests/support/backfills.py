"""Start backfills in tests, and inspect their results."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.settings import (
    PREFECT_FLOWS_DEFAULT_RETRIES,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from daybook.orchestration.local_stack.demo.flow_runs import run_deployment
from flows.backfill import backfill
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.project_copy import Deployed

DAY = date(2021, 2, 5)


def fill(worker: Deployed, days: int, first: date = DAY, **parameters: Any) -> FlowRun:
    """Run backfill/on-demand on `days` days from `first` on, and wait for its end. Raises StackError if it fails."""
    return run_deployment(worker.stack, worker.client, "backfill/on-demand", asked(days, first, **parameters), print)


def fill_from_here(worker: Deployed, days: int, first: date = DAY, **parameters: Any) -> FlowRun:
    """Run the backfill in this process, to save time. The worker runs its children. Raises the flow's errors."""
    settings = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_FLOWS_DEFAULT_RETRIES: 0}
    with temporary_settings(settings):
        state = backfill(**asked(days, first, **parameters), return_state=True)
        state.result()
    return worker.client.read_flow_run(state.state_details.flow_run_id)


def asked(days: int, first: date = DAY, **parameters: Any) -> dict[str, Any]:
    """Return the parameters of a backfill of `days` days of nps/daily."""
    return {
        "deployment": "nps/daily",
        "start": first.isoformat(),
        "end": (first + timedelta(days=days)).isoformat(),
        **parameters,
    }


def populate(production: Production, days: int, rows: int = 5, *, table: str = "nps", first: date = DAY) -> None:
    """Insert `rows` rows for each of `days` days into the source."""
    production.run(
        f"INSERT INTO prod.{table} SELECT seq + 1, '{first}' + INTERVAL seq DIV {rows} DAY + INTERVAL seq SECOND, "
        f"seq % 11 FROM seq_0_to_{days * rows - 1}"
    )


def children(worker: Deployed, parent: FlowRun) -> list[FlowRun]:
    """Return the runs that a backfill has started, oldest first."""
    of = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent.id]))
    runs = worker.client.read_flow_runs(flow_run_filter=of, limit=200)
    return sorted(runs, key=lambda run: run.created or datetime.min.replace(tzinfo=UTC))


def loaded_days(target: LiveWarehouse, table: str = "nps") -> Counter[date]:
    """Return how often each day was loaded, according to the ledger."""
    return Counter(start.date() for start, *_ in target.ledger(table))


def days_from(first: date, count: int) -> list[date]:
    """Return `count` days from `first` on."""
    return [first + timedelta(days=offset) for offset in range(count)]


def calendar_of(worker: Deployed, run: FlowRun) -> str:
    """Return the Markdown of a backfill's page."""
    found = worker.client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    )
    return next(str(artifact.data) for artifact in found if artifact.type == "markdown")
