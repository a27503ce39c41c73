"""Run a flow from the command line: in this process, without a worker and without retries."""

import argparse
import fnmatch
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from prefect import Flow
from prefect.exceptions import ParameterTypeError

from daybook.errors import DaybookError, IntervalError
from daybook.model.interval_grid import parse
from daybook.orchestration.blocks.server import server
from daybook.orchestration.logs import error_text
from daybook.orchestration.parameters.json_schema import NAMES
from daybook.orchestration.server.require import announce_server, require_server
from daybook.suggestions import did_you_mean, in_full


def run(
    flow: Flow[..., Any],
    arguments: Sequence[str] | None = None,
    prog: str | None = None,
    before: Callable[[], None] | None = None,
) -> None:
    """Run `flow` with command-line arguments (by default, those of the process). Exit with 1 if it fails.

    The parameters of the flow become arguments. Required ones, dates and a leading list are positional; the others are
    flags, and so are dates after a list. A list of tables takes patterns such as `raw_shop.*`. `prog` is the command to
    show in the usage, by default `python -m flows.<flow>`. Before the flow runs, the command says which Prefect server
    it uses, and calls `before`, by default the check that the server answers.
    """
    parameters = inspect.signature(flow.fn).parameters
    parser = argparse.ArgumentParser(prog=prog or f"python -m flows.{flow.fn.__name__}", description=flow.description)
    for name, parameter in parameters.items():
        _add(parser, flow, name, parameter)
    given = vars(parser.parse_args(arguments))
    try:
        announce_server()
        (before or _check_server)()
        flow.with_options(retries=0)(**given)
    except DaybookError as error:
        sys.exit(error_text(error))
    except ParameterTypeError as error:
        sys.exit(str(error))


def _check_server() -> None:
    require_server()
    with server():  # credentials, certificates and the API
        pass


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
        options |= {"choices": schema["enum"]}
    is_first, has_leading_list = _place(flow, name)
    if names := schema.get(NAMES):
        known = _summary_names if names == "summaries" else _table_names
        options["type"] = _matching(known) if "array" in kinds else _one_of(known)
    if "array" in kinds:
        if "date" in _formats_of_items(schema):
            options |= {"type": _when, "metavar": "DATE"}
        is_required = parameter.default is inspect.Parameter.empty
        given = {"nargs": "+"} if is_required else {"nargs": "*", "default": parameter.default}
        action = _Flat if NAMES in schema else "store"
        parser.add_argument(name if is_first else _flag(name), action=action, **given, **options)
    elif parameter.default is inspect.Parameter.empty:
        parser.add_argument(name, **options)
    elif "date" in kinds and not has_leading_list:
        parser.add_argument(name, nargs="?", **options)
    else:
        parser.add_argument(_flag(name), default=parameter.default, **options)


class _Flat(argparse.Action):
    """Join the lists of names that each argument stands for."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: Any = None) -> None:
        setattr(namespace, self.dest, list(dict.fromkeys(name for names in values for name in names)))


def _place(flow: Flow[..., Any], name: str) -> tuple[bool, bool]:
    """Return True if the parameter `name` is the flow's first one, and True if the first one is a list."""
    first = next(iter(inspect.signature(flow.fn).parameters))
    schema = flow.parameters.properties.get(first, {})
    return first == name, any(part.get("type") == "array" for part in (schema, *schema.get("anyOf", ())))


def _formats_of_items(schema: dict[str, Any]) -> list[str | None]:
    """Return the formats of the elements of a parameter that is a list."""
    arrays = (part for part in (schema, *schema.get("anyOf", ())) if part.get("type") == "array")
    items = [part.get("items", {}) for part in arrays]
    return [one.get("format") for part in items for one in (part, *part.get("anyOf", ()))]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _one_of(read_names: Callable[[], list[str]]) -> Callable[[str], str]:
    """Return a function that returns the name `schema.table` of a table or summary that was given in full or short."""

    def full_name(given: str) -> str:
        names = read_names()
        name = in_full(given, names)
        if names and name not in names:
            near = did_you_mean(given, names, f"there are {len(names)} in tables/", most=3)
            raise argparse.ArgumentTypeError(f"no table or summary has the name {given!r}{near}")
        return name

    return full_name


def _matching(read_names: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """Return a function that returns the names that match a pattern such as `raw_shop.*`, or the one that was given."""

    def names_of(given: str) -> list[str]:
        if not any(sign in given for sign in "*?["):
            return [_one_of(read_names)(given)]
        names = read_names()
        if found := fnmatch.filter(names, given):
            return found
        schemas = sorted({f"{name.partition('.')[0]}.*" for name in names})
        raise argparse.ArgumentTypeError(
            f"no table or summary matches {given!r}: try {' or '.join(schemas) or 'a name'}"
        )

    return names_of


def _table_names() -> list[str]:
    from daybook.definitions.table_files import table_names  # not for `--help`

    return table_names()


def _summary_names() -> list[str]:
    from daybook.definitions.summary_files import summary_names

    return summary_names()


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
