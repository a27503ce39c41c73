"""Load raw_data.stock_info: the daily prices of stocks, as Yahoo has them."""

from prefect import flow

from daybook.definitions.symbols import only
from daybook.definitions.table_files import read_table
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
    Until,
)
from daybook.orchestration.parameters.stocks import Symbols
from daybook.orchestration.tasks import already_loaded, extract, load, plan, transform


@flow(name="stock-symbols", **load_flow_options("raw_data.stock_info"))
def stock_symbols(
    execution_date: ExecutionDate = None,
    until: Until = None,
    symbols: Symbols = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
) -> LoadReport:
    """Load a day of prices into raw_data.stock_info, or a range of days, or all of them, of some symbols or all."""
    table = only(read_table("raw_data.stock_info"), symbols, keep=full_refresh and not allow_shrink)
    planned = plan(table, execution_date, until, full_refresh, allow_shrink, allow_before_start, exact)
    if done := already_loaded(planned):
        return show(done)
    extracted = extract(planned)
    transformed = transform(extracted)
    return show(load(transformed))


if __name__ == "__main__":
    run(stock_symbols)
