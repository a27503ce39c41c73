"""prefect.yaml: what it says holds on a real server, and deploying it again changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from ruamel.yaml import YAML

from tests.support.project_copy import ROOT, Deployed, add_examples

AS_WRITTEN = ("--prefect-file", "as_written.yaml")
DEPLOYMENTS = YAML(typ="safe").load(ROOT / "prefect.yaml")["deployments"]


def documents(client: SyncPrefectClient) -> dict[str, dict[str, Any]]:
    """Every deployment on the server, without the moments that tell when it was looked at."""
    return {str(deployment.id): _lasting(deployment) for deployment in client.read_deployments(limit=200)}


def _lasting(deployment: DeploymentResponse) -> dict[str, Any]:
    content = deployment.model_dump(mode="json", exclude={"updated", "last_polled", "status"})
    for schedule in content["schedules"]:
        schedule.pop("updated")
    for part in ("global_concurrency_limit", "concurrency_limit"):
        if isinstance(content.get(part), dict):
            content[part].pop("updated", None)
    return content


@pytest.fixture(scope="module")
def as_written(deployed: Deployed) -> Iterator[Deployed]:
    """The deployments of prefect.yaml as the project has it, whose schedules are on. The copy's are off."""
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    add_examples(deployed.stack.root)
    (deployed.stack.root / "as_written.yaml").write_text(text, encoding="utf-8")
    for deployment in deployed.client.read_deployments(limit=200):
        deployed.client.delete_deployment(deployment.id)  # a schedule that is there stays on or off
    deployed.deploy("--all", *AS_WRITTEN)
    yield deployed
    for deployment in deployed.client.read_deployments(limit=200):
        for schedule in deployment.schedules:
            deployed.client.update_deployment_schedule(deployment.id, schedule.id, active=False)
    for automation in deployed.client.read_automations():
        deployed.client.delete_automation(automation.id)


def test_the_schedules_are_as_they_are_meant(as_written: Deployed) -> None:
    daily = as_written.client.read_deployment_by_name("nps/daily")
    assert [(s.schedule.cron, s.schedule.timezone, s.active) for s in daily.schedules] == [("0 9 * * *", "UTC", True)]
    assert daily.global_concurrency_limit is not None
    assert daily.global_concurrency_limit.limit == 1
    full_refresh = as_written.client.read_deployment_by_name("nps/full-refresh")
    assert [schedule.active for schedule in full_refresh.schedules] == [False]
    assert full_refresh.parameters == {"full_refresh": True}


@pytest.mark.full
def test_deploying_again_changes_nothing_and_a_pause_stays(as_written: Deployed) -> None:
    client = as_written.client
    daily = client.read_deployment_by_name("nps/daily")
    client.update_deployment_schedule(daily.id, daily.schedules[0].id, active=False)
    try:
        before = documents(client)
        assert len(before) == len(DEPLOYMENTS)

        as_written.deploy("--all", *AS_WRITTEN)

        assert documents(client) == before
        assert not client.read_deployment_by_name("nps/daily").schedules[0].active
    finally:
        client.update_deployment_schedule(daily.id, daily.schedules[0].id, active=True)
