"""prefect.yaml as a file: its deployments are whole, and tied to no machine. On a server: flows/test_deployments.py."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from ruamel.yaml import YAML

from daybook.definitions.registry import datasets
from daybook.definitions.summary import Summary
from daybook.definitions.table_files import read_table, table_names
from daybook.orchestration.deploy.project_deployments import inputs_of
from daybook.orchestration.local_stack.stack import WORK_POOL

FILE = Path(__file__).parents[2] / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = YAML(typ="safe").load(FILE)["deployments"]


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    path, function = deployment["entrypoint"].split(":")
    found = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), function)
    assert isinstance(found, Flow)
    return found


def name(deployment: dict[str, Any]) -> str:
    return f"{flow_of(deployment).name}/{deployment['name']}"


def test_the_deployments_are_those_that_people_type() -> None:
    names = [name(deployment) for deployment in DEPLOYMENTS]
    assert {"nps/daily", "nps/full-refresh", "load-table/on-demand"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name)
def test_a_deployment_is_whole(deployment: dict[str, Any]) -> None:
    assert deployment["work_pool"]["name"] == WORK_POOL
    assert deployment["description"]
    assert "daybook" in deployment["tags"]
    assert set(deployment.get("parameters", {})) <= set(flow_of(deployment).parameters.properties)
    for schedule in deployment.get("schedules", []):
        assert schedule["slug"]
        assert schedule["timezone"]
        assert schedule.get("active") is not True  # it would win over a person's pause with every deploy
        assert "parameters" not in schedule  # Prefect loses them when a person pauses the schedule


def test_every_incremental_table_of_a_database_is_audited_each_week() -> None:
    tables = [read_table(name) for name in table_names()]
    wanted = {table.name for table in tables if table.source.audited and table.load != "replace"}
    weekly = {
        deployment["parameters"]["table"]: deployment
        for deployment in DEPLOYMENTS
        if flow_of(deployment).name == "reconcile" and deployment.get("schedules")
    }
    assert wanted == set(weekly) and "raw_data.nps" in wanted
    for table, deployment in weekly.items():
        assert deployment["name"] == f"{table.split('.')[1].replace('_', '-')}-weekly"
        assert table in deployment["tags"]
        assert deployment["schedules"][0]["cron"].endswith("* * 0") and deployment["parameters"]["last"]
        assert not deployment["parameters"].get("repair"), "a person decides"


def test_of_the_examples_only_nps_runs_by_itself() -> None:
    """`make deploy` on a real server must not load or send anything of an example until a person switches it on."""
    active = {
        name(deployment)
        for deployment in DEPLOYMENTS
        if any(schedule.get("active", True) for schedule in deployment.get("schedules", []))
    }
    projects = {"catch-up/daily", "summaries/daily", "key-metrics/weekly", "monitor/quarter-hourly"}
    assert active == {"nps/daily", *projects}


def test_summaries_are_built_when_any_table_that_they_read_is_loaded() -> None:
    summaries = [found for found in datasets()[0] if isinstance(found, Summary)]
    (landing,) = [deployment for deployment in DEPLOYMENTS if deployment["name"] == "when-inputs-land"]
    (trigger,) = landing["triggers"]
    assert trigger["match"]["prefect.resource.id"] == [f"daybook.table.{table}" for table in inputs_of(summaries)]


def test_nothing_is_tied_to_a_machine() -> None:
    text = FILE.read_text(encoding="utf-8")
    settings = "\n".join(line.split("#")[0] for line in text.splitlines())
    assert not re.search(r"(^|[\s\"'])(/|~|[A-Z]:\\)", settings)
    assert not re.search(r"localhost|127\.0\.0\.1|\{\{ *\$", settings)
