"""Fill any range of a table again: what is missing, what failed, or all of it."""

from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.client.orchestration import get_client

from daybook.audit.repair import MAX_REPAIR, refusal, to_repair
from daybook.backfill.dry_run import Forecast, forecast
from daybook.ledger.interval_status import IntervalStatus, read_statuses
from daybook.load.owed_intervals import expected_in_range, with_sessions
from daybook.orchestration.artifacts.dry_run import told
from daybook.orchestration.audit_tasks import audited, view
from daybook.orchestration.backfill.loop import BackfillResult, BackfillRun, Options
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.command_line import run
from daybook.orchestration.deployments import find
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters import (
    AllowBeforeStart,
    DependsOnPast,
    DeploymentName,
    DryRun,
    End,
    IntervalsPerRun,
    MaxActiveRuns,
    MaxRepair,
    Order,
    PassedOn,
    Select,
    Start,
)
from daybook.orchestration.run_tags import tag


def run_name() -> str:
    """The deployment and the range: `nps/daily 2021-02-05 until 2021-03-01`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    dry = "dry run of " if given.get("dry_run") else ""
    return f"{dry}{given.get('deployment')} {given.get('start')} until {given.get('end')}"


@flow(name="backfill", flow_run_name=run_name, retries=0, on_completion=[emit_recovery])
def backfill(
    deployment: DeploymentName,
    start: Start,
    end: End,
    select: Select = "missing",
    order: Order = "ascending",
    max_active_runs: MaxActiveRuns = 1,
    intervals_per_run: IntervalsPerRun = 500,
    depends_on_past: DependsOnPast = False,
    parameters: PassedOn = None,
    dry_run: DryRun = False,
    allow_before_start: AllowBeforeStart = False,
    max_repair: MaxRepair = MAX_REPAIR,
) -> BackfillResult | list[Forecast]:
    """Load a range of intervals by runs of a deployment; the ledger says which. Run again, it goes on from there."""
    logger = get_run_logger()
    with get_client(sync_client=True) as client:
        found = find(client, deployment, parameters)
        tag(found.table.name)
        if allow_before_start:
            found = found.with_parameters({"allow_before_start": True})
        intervals = expected_in_range(found.table, start, end, allow_before_start=allow_before_start)
        options = Options(order, max_active_runs, intervals_per_run, depends_on_past).checked(found.limit)
        standings = read_statuses(blocks.warehouse(), found.table.name, intervals)
        label = f"{found.table.name} {found.table.label(intervals)}"
        if dry_run:
            seen = view(found.table, intervals, needed=select == "differing")
            why = refusal(found.table, list(seen.values()), max_repair) if select == "differing" and seen else None
            return told(found.table, forecast(found.table, standings, select, blocks, seen), label, why)
        if select == "differing":
            found = found.with_parameters({"exact": True})
            chosen = to_repair(found.table, audited(found.table, intervals), max_repair)
        else:
            chosen = [s.interval for s in standings if s.chosen_by(select) and not _resumed(s)]
        wanted = with_sessions(found.table, chosen)
        logger.info("%s: %d of %d intervals are to be loaded (%s)", label, len(wanted), len(intervals), select)
        return BackfillRun(client, found, standings, wanted, options, label).run().checked(found.table, label)


def _resumed(standing: IntervalStatus) -> bool:
    """Whether this very flow run, tried again by Prefect, has loaded the interval already."""
    began = runtime.flow_run.scheduled_start_time
    return (runtime.flow_run.run_count or 0) > 1 and standing.entry is not None and standing.entry.loaded_at > began


if __name__ == "__main__":
    run(backfill)
