"""Load raw_data.nps: the answers to "how likely are you to recommend us?"."""

from typing import TYPE_CHECKING

from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.flow_options import load_flow_options
from daybook.orchestration.parameters.load import (
    AllowBeforeStart,
    AllowShrink,
    Exact,
    ExecutionDate,
    FullRefresh,
    Intervals,
    Until,
)
from daybook.orchestration.tasks import extract, load, plan, run_steps, transform

if TYPE_CHECKING:  # a load imports it, not the flow
    from daybook.load.load import LoadReport


@flow(name="nps", **load_flow_options("raw_data.nps"))
def nps(
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
    intervals: Intervals = None,
) -> "LoadReport":
    """Load a day, a range of days or all of the answers into raw_data.nps. Reruns are idempotent."""
    planned = plan(
        "raw_data.nps", execution_date, until, full_refresh, allow_shrink, allow_before_start, exact, intervals
    )
    return run_steps(planned, extract, transform, load)


if __name__ == "__main__":
    run(nps)
