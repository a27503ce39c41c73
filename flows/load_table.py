"""Load any table that has a file under tables/."""

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
    TableParameter,
    Until,
)
from daybook.orchestration.tasks import extract, load, plan, run_steps, transform

if TYPE_CHECKING:  # a load imports it, not the flow
    from daybook.load.load import LoadReport


@flow(name="load-table", **load_flow_options())
def load_table(
    table: TableParameter,
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
    intervals: Intervals = None,
) -> "LoadReport":
    """Load an interval, a range or all of a table. Reruns are idempotent."""
    planned = plan(table, execution_date, until, full_refresh, allow_shrink, allow_before_start, exact, intervals)
    return run_steps(planned, extract, transform, load)


if __name__ == "__main__":
    run(load_table)
