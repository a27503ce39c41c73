"""Compare docs/guides/coming-from-airflow.md with the code: every table file, deployment, command and call on it."""

import ast
import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task
from prefect.cli._app import _app as prefect_cli
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.events.schemas.events import Resource, ResourceSpecification
from prefect.server.utilities.user_templates import render_user_template_sync
from ruamel.yaml import YAML

from daybook.backfill.options import BackfillOptions
from daybook.cli.commands import COMMANDS
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table, table_names
from daybook.load.load import LoadReport
from daybook.load.planning.owed_intervals import expected_in_range
from daybook.load.planning.plan import plan
from daybook.orchestration import command_line, events
from daybook.orchestration.flow_options import retry_options

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guides" / "coming-from-airflow.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILE = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
DAY = date(2021, 2, 5)


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    path, function = deployment["entrypoint"].split(":")
    found = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), function)
    assert isinstance(found, Flow)
    return found


DEPLOYMENTS: list[dict[str, Any]] = load(FILE)["deployments"]
ENTRIES: list[dict[str, Any]] = [
    load(FILE.rstrip() + "\n\n" + block)["deployments"][-1] for block in blocks("yaml") if "entrypoint:" in block
]
TABLES = [block for block in blocks("yaml") if "source:" in block]
NAMED = {f"{flow_of(entry).name}/{entry['name']}": entry for entry in (*DEPLOYMENTS, *ENTRIES)}


def commands() -> Iterator[str]:
    """Yield every command on the page: the lines of its shell blocks, and commands between backticks."""
    prose = re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    lines = (line for block in blocks("sh") for line in block.splitlines())
    yield from filter(str.strip, lines)
    yield from re.findall(r"`((?:daybook|prefect|make) [^`]+)`", prose)


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


DAYBOOK = sorted({command for command in commands() if command.startswith("daybook ")})
FLOWS = [command for command in DAYBOOK if ".flows." in COMMANDS[words(command)[1]].target]
DEPLOYMENT_RUNS = sorted({command for command in commands() if command.startswith("prefect deployment run ")})
PREFECT = sorted({command for command in commands() if command.startswith("prefect ")})
#: Parameters of a backfill without their command, in a table's cell or in a sentence: `-p select=all`.
LOOSE = sorted(set(re.findall(r"`(-p [^`]+)`", TEXT)))


def given_by(options: list[str]) -> dict[str, Any]:
    """Return the parameters that `prefect deployment run` makes of `-p name=value`: JSON, or else a text."""
    assert options[::2] == ["-p"] * (len(options) // 2), options
    pairs = (option.split("=", 1) for option in options[1::2])
    return {name: _value(text) for name, text in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def check_parameters(given: dict[str, Any]) -> None:
    """Check that raw_data.nps has the dates, and that the deployment of a backfill exists. Raise what the run would."""
    nps, flags = read_table("raw_data.nps"), {"allow_before_start": given.get("allow_before_start", False)}
    if "deployment" in given:
        assert given["deployment"] in NAMED
        assert expected_in_range(nps, given["start"], given["end"], **flags)
    elif "execution_date" in given:
        plan(nps, given["execution_date"], given["until"], given["full_refresh"], **flags)


def test_nothing_was_overlooked() -> None:
    kinds = ("daybook ", "prefect ", "make ", "airflow ")
    assert all(command.startswith(kinds) for command in commands())
    assert (len(TABLES), len(ENTRIES)) == (1, 2)
    assert len(blocks("yaml")) == len(TABLES) + len(ENTRIES)
    assert len(FLOWS) >= 6
    assert set(DAYBOOK) - set(FLOWS) == {"daybook blocks"}
    assert len(DEPLOYMENT_RUNS) >= 4 < len(LOOSE)


def test_what_a_dag_says_is_in_the_table_file() -> None:
    (file,) = TABLES
    table = Table(name="raw_data.orders", **load(file))
    assert (table.start, table.interval, table.timezone) == (date(2024, 1, 1), "day", "Europe/Berlin")
    assert (table.owner, table.catch_up, table.load) == ("data-team", "all", "replace_interval")


def test_the_file_of_the_example_would_be_the_readers_own() -> None:
    assert "raw_data.orders" not in table_names()
    named = set(re.findall(r"`((?:daybook|flows|tables|docs)/[\w./-]*)`", TEXT)) - {"tables/raw_data/orders.yaml"}
    assert named
    assert all((ROOT / path).exists() for path in named)
    assert all((PAGE.parent / link).exists() for link in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_an_entry_fits_into_prefect_yaml(entry: dict[str, Any]) -> None:
    flow = flow_of(entry)
    parameters = set(flow.parameters.properties)
    assert set(entry["parameters"]) <= parameters
    assert entry["parameters"]["table"] in entry["tags"]
    assert entry["work_pool"]["name"] == DEPLOYMENTS[0]["work_pool"]["name"]
    assert entry["description"]
    assert all(schedule["slug"] and schedule["timezone"] for schedule in entry.get("schedules", []))
    for trigger in entry.get("triggers", []):
        assert set(trigger["parameters"]) <= parameters


@pytest.mark.servers
def test_the_entrys_retries_are_those_of_the_dag() -> None:
    """Use a process of its own, as a worker does, because Prefect reads its settings from the environment once."""
    assert retry_options() == {
        "retries": 1,
        "retry_delay_seconds": 180,
        "timeout_seconds": None,
    }  # "One retry after three minutes"
    ask = (
        "import json; from daybook.orchestration.flow_options import retry_options; print(json.dumps(retry_options()))"
    )
    variables = ENTRIES[0]["work_pool"]["job_variables"]["env"]
    answer = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == {"retries": 3, "retry_delay_seconds": 60, "timeout_seconds": None}


@pytest.mark.parametrize("command", FLOWS)
def test_a_command_is_understood_by_its_flow(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, name, *arguments = words(command)
    module = COMMANDS[name].target.partition(":")[0]
    flow: Flow[..., Any] = getattr(importlib.import_module(module), module.rpartition(".")[2])
    understood: list[dict[str, Any]] = []

    def instead_of_running(**options: Any) -> Any:
        return lambda **given: understood.append(given)

    monkeypatch.setattr(flow, "with_options", instead_of_running)
    monkeypatch.setattr(command_line, "announce_server", lambda: None)
    command_line.run(flow, arguments, before=lambda: None)

    (given,) = understood
    check_parameters(flow.validate_parameters(given))


@pytest.mark.parametrize("command", DEPLOYMENT_RUNS)
def test_a_deployment_and_its_parameters_are_there(command: str) -> None:
    _, _, _, name, *options = words(command)
    assert name in NAMED
    given = given_by(options)
    flow = flow_of(NAMED[name])
    assert set(given) <= set(flow.parameters.properties)
    if name != "backfill/on-demand" or options:  # without any, it is named only
        check_parameters(flow.validate_parameters(NAMED[name].get("parameters", {}) | given))


@pytest.mark.parametrize("option", LOOSE)
def test_a_parameter_of_a_backfill_is_one(option: str) -> None:
    needed = {"deployment": "nps/daily", "start": "2021-03-01", "end": "2021-04-01"}
    backfill = flow_of(NAMED["backfill/on-demand"])
    given = given_by(words(option))
    assert set(given) <= set(backfill.parameters.properties)
    backfill.validate_parameters(needed | given)
    passed_on = given.get("parameters", {})
    assert set(passed_on) <= set(flow_of(NAMED["nps/daily"]).parameters.properties)


@pytest.mark.parametrize("command", PREFECT)
def test_a_command_of_prefect_is_understood_by_it(command: str) -> None:
    function, bound, _ = prefect_cli.parse_args(words(command)[1:], exit_on_error=False, print_error=False)
    assert callable(function)
    assert bound.arguments or command.endswith("--help")


def test_the_deployments_that_the_page_names_are_there() -> None:
    flows = {name.split("/")[0] for name in NAMED}
    named = {f"{flow}/{rest}" for flow, rest in re.findall(r"`([\w-]+)/([\w-]+)`", TEXT) if flow in flows}
    assert {"load-table/orders-daily", "catch-up/daily", "nps/daily"} <= named <= set(NAMED)


def test_what_the_page_says_of_limits_holds() -> None:
    assert NAMED["nps/daily"]["concurrency_limit"]["limit"] == 1
    assert NAMED["catch-up/daily"]["schedules"][0]["cron"] == "0 12 * * *"
    assert (
        BackfillOptions(max_active_runs=4).within(NAMED["nps/daily"]["concurrency_limit"]["limit"]).max_active_runs == 1
    )
    backfill = inspect.signature(flow_of(NAMED["backfill/on-demand"]).fn).parameters
    assert (backfill["intervals_per_run"].default, backfill["select"].default) == (500, "missing")
    schema = Table.model_json_schema()["properties"]
    assert schema["interval"]["anyOf"][0]["enum"] == ["hour", "day", "week", "month"]
    assert Table(name="raw_data.orders", **load(TABLES[0]) | {"catch_up": None}).catch_up_policy == "all"


def test_the_trigger_fires_at_a_load_by_interval_and_gives_its_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = (entry for entry in ENTRIES if "triggers" in entry)
    (given_trigger,) = entry["triggers"]
    trigger, table = DeploymentEventTrigger.model_validate(given_trigger), read_table("raw_data.nps")
    emitted: list[dict[str, Any]] = []
    monkeypatch.setattr(events, "emit_event", lambda **event: emitted.append(event))
    for planned in (plan(table, DAY), plan(table, DAY, date(2021, 2, 8)), plan(table, full_refresh=True)):
        events.emit_loaded(LoadReport(table.name, planned.label, planned.strategy.name), planned)

    assert {event["event"] for event in emitted} == trigger.expect
    match = ResourceSpecification.model_validate(given_trigger["match"])
    assert [match.matches(Resource(event["resource"])) for event in emitted] == [True, True, False]
    for event, until in zip(emitted, ("2021-02-06", "2021-02-08"), strict=False):
        given = {
            name: render_user_template_sync(text, {"event": event})
            for name, text in given_trigger["parameters"].items()
        }
        assert given == {"execution_date": "2021-02-05", "until": until}
        flow_of(entry).validate_parameters({"table": table.name} | given)  # the page's own table has no file here


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.splitlines()[-1].strip())
def test_a_call_in_python_is_one(block: str) -> None:
    """Check that what a block imports from here exists, and takes the given arguments."""
    tree = ast.parse(block)
    imported = {
        name.name: getattr(importlib.import_module(node.module), name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("flows", "daybook")
        for name in node.names
    }
    assert imported or "airflow" in block
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in imported:
            found = imported[call.func.id]
            taken = inspect.signature(found.fn if isinstance(found, Task) else found)
            taken.bind(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})
