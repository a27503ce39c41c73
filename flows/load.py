"""Load one or several tables. `daybook deploy` makes deployments of it: load/raw_data.orders, load/production-0600."""

from typing import TYPE_CHECKING

from daybook.orchestration.command_line import run
from daybook.orchestration.flow import flow
from daybook.orchestration.flow_options import load_flow_options
from daybook.orchestration.load_runs.several_tables import load_each
from daybook.orchestration.parameters.load import (
    AllowBeforeStart,
    AllowShrink,
    AtOnce,
    Exact,
    ExecutionDate,
    FullRefresh,
    Intervals,
    LoadedTables,
    Until,
)
from daybook.orchestration.run_plan import PlanRequest

if TYPE_CHECKING:  # a load imports it, not the flow
    from daybook.load.load import LoadReport


@flow(name="load", **load_flow_options())
def load(
    tables: LoadedTables,
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
    intervals: Intervals = None,
    at_once: AtOnce = 4,
) -> "list[LoadReport]":
    """Load an interval, a range or all of some tables. Each fails alone, and the others are loaded."""
    asked = (execution_date, until, full_refresh, allow_shrink, allow_before_start, exact, intervals)
    return load_each([PlanRequest(table, *asked) for table in tables], at_once)


if __name__ == "__main__":
    run(load)
