"""Load raw_data.stock_info: the daily prices of stocks from Yahoo."""

from dataclasses import replace
from typing import TYPE_CHECKING

from daybook.definitions.symbols import only
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
from daybook.orchestration.parameters.stocks import Symbols
from daybook.orchestration.tasks import extract, load, plan, run_steps, transform

if TYPE_CHECKING:  # a load imports it, not the flow
    from daybook.load.load import LoadReport


@flow(name="stock-symbols", **load_flow_options("raw_data.stock_info"))
def stock_symbols(
    execution_date: ExecutionDate = None,
    until: Until = None,
    symbols: Symbols = None,
    full_refresh: FullRefresh = False,
    allow_shrink: AllowShrink = False,
    allow_before_start: AllowBeforeStart = False,
    exact: Exact = False,
    intervals: Intervals = None,
) -> "LoadReport":
    """Load a day, a range of days or all of the prices of some or all symbols into raw_data.stock_info."""
    planned = plan(
        "raw_data.stock_info", execution_date, until, full_refresh, allow_shrink, allow_before_start, exact, intervals
    )
    chosen = only(planned.table, symbols, keep=full_refresh and not allow_shrink)
    return run_steps(replace(planned, table=chosen), extract, transform, load)


if __name__ == "__main__":
    run(stock_symbols)
