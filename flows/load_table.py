"""Load any table that has a file under tables/."""

from prefect import flow

from daybook.load import LoadReport
from flows.command_line import run
from flows.parameters import AllowShrink, ExecutionDate, FullRefresh, TableName, Until
from flows.report import run_name, show
from flows.settings import retries
from flows.tasks import already_loaded, extract, load, plan, transform


@flow(name="load-table", flow_run_name=run_name, **retries())
def load_table(
    table: TableName,
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
) -> LoadReport:
    """Load some intervals of a table, or all of it. Running them again gives the same table."""
    planned = plan(table, execution_date, until, full_refresh, allow_shrink)
    if done := already_loaded(planned):
        return show(done)
    extracted = extract(planned)
    transformed = transform(extracted)
    return show(load(transformed))


if __name__ == "__main__":
    run(load_table)
