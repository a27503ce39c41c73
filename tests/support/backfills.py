"""What the tests of backfills share: to start one, and to look at what it did."""

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
    """Run backfill/on-demand on days from DAY on, and wait for its end. Raises StackError if it fails."""
    return run_deployment(worker.stack, worker.client, "backfill/on-demand", asked(days, first, **parameters), print)


def fill_from_here(worker: Deployed, days: int, first: date = DAY, **parameters: Any) -> FlowRun:
    """The same in this process, whose start is spared: its runs are the worker's. Raises what the flow raises."""
    settings = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_FLOWS_DEFAULT_RETRIES: 0}
    with temporary_settings(settings):
        state = backfill(**asked(days, first, **parameters), return_state=True)
        state.result()
    return worker.client.read_flow_run(state.state_details.flow_run_id)


def asked(days: int, first: date = DAY, **parameters: Any) -> dict[str, Any]:
    """The parameters of a backfill of that many days of nps/daily."""
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


def loaded_days(target: LiveWarehouse, table: str = "nps") -> Counter[date]:
    """How often each day was loaded, by the ledger."""
    return Counter(start.date() for start, *_ in target.ledger(table))


def days_from(first: date, count: int) -> list[date]:
    """So many days."""
    return [first + timedelta(days=offset) for offset in range(count)]


def calendar_of(worker: Deployed, run: FlowRun) -> str:
    """What the page of a backfill shows."""
    found = worker.client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    )
    return next(str(artifact.data) for artifact in found if artifact.type == "markdown")
