"""`python -m flows.<flow> …`: a flow in this process, without a worker and without retries."""

import argparse
import inspect
import json
import sys
from datetime import date, datetime
from typing import Any

from prefect import Flow
from prefect.exceptions import ParameterTypeError

from daybook.errors import DaybookError, IntervalError
from daybook.model.interval_grid import parse
from daybook.orchestration.logs import told


def run(flow: Flow[..., Any], arguments: list[str] | None = None) -> None:
    """Run `flow` with the command line's arguments (default: those of the process), and exit: 0, or 1 when it failed.

    The parameters of the flow become arguments: those that are required, dates and a list that comes first are
    positional, the others are flags.
    """
    parameters = inspect.signature(flow.fn).parameters
    parser = argparse.ArgumentParser(prog=f"python -m {flow.fn.__module__}", description=flow.description)
    if flow.fn.__module__ == "__main__":
        parser.prog = f"python -m flows.{flow.fn.__name__}"
    for name, parameter in parameters.items():
        _add(parser, flow, name, parameter)
    given = vars(parser.parse_args(arguments))
    try:
        flow.with_options(retries=0)(**given)
    except DaybookError as error:
        sys.exit(told(error))
    except ParameterTypeError as error:
        sys.exit(str(error))


def _add(parser: argparse.ArgumentParser, flow: Flow[..., Any], name: str, parameter: inspect.Parameter) -> None:
    schema = flow.parameters.properties.get(name, {})
    options: dict[str, Any] = {"help": str(schema.get("description", "")).replace("%", "%%")}
    kinds = [part.get("format") or part.get("type") for part in (schema, *schema.get("anyOf", ()))]
    if parameter.default is False:
        parser.add_argument(_flag(name), action="store_true", **options)
        return
    if "date" in kinds:
        options["type"] = _when
    elif "integer" in kinds:
        options["type"] = int
    elif "number" in kinds:
        options["type"] = float
    elif "object" in kinds:
        options |= {"type": _json, "metavar": "JSON"}
    elif "enum" in schema:
        options |= {"choices": schema["enum"]} | (
            {"metavar": name} if len(schema["enum"]) > 5 or name == "table" else {}
        )
    if "array" in kinds:
        first = next(iter(inspect.signature(flow.fn).parameters)) == name
        parser.add_argument(name if first else _flag(name), nargs="*", default=parameter.default, **options)
    elif parameter.default is inspect.Parameter.empty:
        parser.add_argument(name, **options)
    elif "date" in kinds:
        parser.add_argument(name, nargs="?", **options)
    else:
        parser.add_argument(_flag(name), default=parameter.default, **options)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON ({error}): write it as '{{\"name\": true}}'") from None


def _when(text: str) -> date | datetime:
    try:
        return parse(text)
    except IntervalError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
