"""Load raw_data.nps: one answer a row to "how likely are you to recommend us?"."""

from prefect import flow

from daybook.load import LoadReport
from flows.command_line import run
from flows.parameters import AllowShrink, ExecutionDate, FullRefresh, Until
from flows.report import run_name, show
from flows.settings import retries
from flows.tasks import already_loaded, extract, load, plan, transform


@flow(name="nps", flow_run_name=run_name, **retries())
def nps(
    execution_date: ExecutionDate = None,
    until: Until = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
) -> LoadReport:
    """Load a day of answers into raw_data.nps, or a range of days, or all of them. Again gives the same table."""
    planned = plan("raw_data.nps", execution_date, until, full_refresh, allow_shrink)
    if done := already_loaded(planned):
        return show(done)
    extracted = extract(planned)
    transformed = transform(extracted)
    return show(load(transformed))


if __name__ == "__main__":
    run(nps)
