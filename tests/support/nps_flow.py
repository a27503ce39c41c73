"""A flow of a project's own, for raw_data.nps of the small project: no test of the library needs an example."""

from daybook.load.load import LoadReport
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


@flow(name="nps", **load_flow_options("raw_data.nps"))
def nps(
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
    intervals: Intervals = None,
) -> LoadReport:
    """Load a day, a range of days or all of raw_data.nps."""
    asked = (execution_date, until, full_refresh, allow_shrink, allow_before_start, exact, intervals)
    planned = plan("raw_data.nps", *asked)
    return run_steps(planned, extract, transform, load)
