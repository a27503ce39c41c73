"""`python -m flows.<flow> …`: a flow in this process, without a worker and without retries."""

import argparse
import inspect
import sys
from datetime import date, datetime
from typing import Any

from prefect import Flow

from daybook.errors import DaybookError, IntervalError
from daybook.grid import parse
from daybook.tables import table_names
from flows.logs import told


def run(flow: Flow[..., Any], arguments: list[str] | None = None) -> None:
    """Run `flow` with the command line's arguments (default: those of the process), and exit: 0, or 1 when it failed.

    The parameters of the flow that it knows become arguments: `table`, `execution_date` and `until` are positional,
    truth values are flags.
    """
    parameters = inspect.signature(flow.fn).parameters
    parser = argparse.ArgumentParser(prog=f"python -m {flow.fn.__module__}", description=flow.description)
    if flow.fn.__module__ == "__main__":
        parser.prog = f"python -m flows.{flow.fn.__name__}"
    if "table" in parameters:
        parser.add_argument("table", choices=table_names(), metavar="table", help="schema.table, as under tables/")
    parser.add_argument(
        "execution_date",
        nargs="?",
        type=_when,
        help="2021-02-05: the interval that starts there (default: the last one)",
    )
    parser.add_argument("until", nargs="?", type=_when, help="2021-03-01: exclusive end of a range of intervals")
    for name, parameter in parameters.items():
        if parameter.default is False:
            parser.add_argument(f"--{name.replace('_', '-')}", action="store_true", help=_description(flow, name))
    given = vars(parser.parse_args(arguments))
    try:
        flow.with_options(retries=0)(**given)
    except DaybookError as error:
        sys.exit(told(error))


def _when(text: str) -> date | datetime:
    try:
        return parse(text)
    except IntervalError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _description(flow: Flow[..., Any], name: str) -> str:
    return str(flow.parameters.properties.get(name, {}).get("description", ""))
