"""prefect.yaml: what it says holds on a real server, and deploying it again changes nothing."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from ruamel.yaml import YAML

from deployments.local.stack import WORK_POOL
from tests.project import Deployed

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


def test_nothing_is_tied_to_a_machine() -> None:
    text = FILE.read_text(encoding="utf-8")
    settings = "\n".join(line.split("#")[0] for line in text.splitlines())
    assert not re.search(r"(^|[\s\"'])(/|~|[A-Z]:\\)", settings)
    assert not re.search(r"localhost|127\.0\.0\.1|\{\{ *\$", settings)


def documents(client: SyncPrefectClient) -> dict[str, dict[str, Any]]:
    """Every deployment on the server, without the moments that tell when it was looked at."""
    found = [client.read_deployment_by_name(name(deployment)) for deployment in DEPLOYMENTS]
    return {str(deployment.id): _lasting(deployment) for deployment in found}


def _lasting(deployment: DeploymentResponse) -> dict[str, Any]:
    content = deployment.model_dump(mode="json", exclude={"updated", "last_polled", "status"})
    for schedule in content["schedules"]:
        schedule.pop("updated")
    for part in ("global_concurrency_limit", "concurrency_limit"):
        if isinstance(content.get(part), dict):
            content[part].pop("updated", None)
    return content


def test_the_schedules_are_as_they_are_meant(deployed: Deployed) -> None:
    daily = deployed.client.read_deployment_by_name("nps/daily")
    assert [(s.schedule.cron, s.schedule.timezone, s.active) for s in daily.schedules] == [("0 9 * * *", "UTC", True)]
    assert daily.global_concurrency_limit is not None
    assert daily.global_concurrency_limit.limit == 1
    full_refresh = deployed.client.read_deployment_by_name("nps/full-refresh")
    assert [schedule.active for schedule in full_refresh.schedules] == [False]
    assert full_refresh.parameters == {"full_refresh": True}


def test_deploying_again_changes_nothing_and_a_pause_stays(deployed: Deployed) -> None:
    client = deployed.client
    daily = client.read_deployment_by_name("nps/daily")
    client.update_deployment_schedule(daily.id, daily.schedules[0].id, active=False)
    try:
        before = documents(client)
        assert len(before) == len(DEPLOYMENTS)

        deployed.deploy_all()

        assert documents(client) == before
        assert not client.read_deployment_by_name("nps/daily").schedules[0].active
    finally:
        client.update_deployment_schedule(daily.id, daily.schedules[0].id, active=True)
