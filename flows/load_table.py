"""Load any table that has a file under tables/."""

from prefect import flow

from daybook.load.load import LoadReport
from daybook.orchestration.artifacts.load_report import show
from daybook.orchestration.command_line import run
from daybook.orchestration.flow_options import load_flow_options
from daybook.orchestration.parameters.load import (
    AllowBeforeStart,
    AllowShrink,
    Exact,
    ExecutionDate,
    FullRefresh,
    TableParameter,
    Until,
)
from daybook.orchestration.tasks import already_loaded, extract, load, plan, transform


@flow(name="load-table", **load_flow_options())
def load_table(
    table: TableParameter,
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
) -> LoadReport:
    """Load some intervals of a table, or all of it. Running them again gives the same table."""
    planned = plan(table, execution_date, until, full_refresh, allow_shrink, allow_before_start, exact)
    if done := already_loaded(planned):
        return show(done)
    extracted = extract(planned)
    transformed = transform(extracted)
    return show(load(transformed))


if __name__ == "__main__":
    run(load_table)
