"""Load any past range of a table: its missing, failed or differing intervals, or all of it."""

from daybook.audit.repair import MAX_REPAIR
from daybook.backfill.dry_run import Forecast
from daybook.backfill.options import BackfillOptions
from daybook.backfill.result import BackfillResult
from daybook.orchestration.backfill.range_backfill import range_backfill, run_name
from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters.audit import MaxRepair
from daybook.orchestration.parameters.backfill import (
    DependsOnPast,
    DeploymentName,
    DryRun,
    IntervalsPerRun,
    MaxActiveRuns,
    Order,
    PassedOn,
    Select,
)
from daybook.orchestration.parameters.load import AllowBeforeStart, End, Start


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
    """Load the selected intervals of a range through runs of a deployment. A rerun continues where it stopped."""
    options = BackfillOptions(order, max_active_runs, intervals_per_run, depends_on_past)
    with range_backfill(deployment, parameters, start, end, options, allow_before_start=allow_before_start) as filling:
        if dry_run:
            return filling.forecast(select, max_repair)
        return filling.load(filling.choose(select, max_repair))


if __name__ == "__main__":
    run(backfill)
