"""The demo's deployments: the same as those of `prefect deploy`, which made those of the tests' server."""

from collections.abc import Iterator
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse

from daybook.orchestration.local_stack.demo.prefect_yaml import Declared, create_deployments, read_deployments
from tests.support.project_copy import Deployed

#: What is the server's, and the version, which is that of the flow's file.
SERVERS = {"id", "created", "updated", "created_by", "updated_by", "last_polled", "status", "version", "version_id"}


@pytest.fixture
def declared(deployed: Deployed) -> Iterator[list[Declared]]:
    """Return what prefect.yaml declares, and delete the automations of its triggers afterwards."""
    yield read_deployments(deployed.stack.root)
    for automation in deployed.client.read_automations():
        deployed.client.delete_automation(automation.id)


def documents(client: SyncPrefectClient) -> dict[str, dict[str, Any]]:
    """Return what each deployment is, by its flow's ID and its name."""
    return {f"{one.flow_id}/{one.name}": _document(one) for one in client.read_deployments(limit=200)}


def _document(found: DeploymentResponse) -> dict[str, Any]:
    document = found.model_dump(mode="json", exclude=SERVERS)
    for schedule in document["schedules"]:
        for name in ("id", "created", "updated", "deployment_id"):
            schedule.pop(name, None)
    if limit := document["global_concurrency_limit"]:
        document["global_concurrency_limit"] = {name: limit[name] for name in ("limit", "active")}
    document.pop("concurrency_limit", None)
    return document


def test_a_deployment_is_the_one_that_prefect_deploy_makes(deployed: Deployed, declared: list[Declared]) -> None:
    client, root = deployed.client, deployed.stack.root
    made_by_prefect = documents(client)
    chosen = [one for one in declared if one.full_name in ("nps/daily", "dbt-build/on-demand")]
    for one in chosen:
        client.delete_deployment(client.read_deployment_by_name(one.full_name).id)
    create_deployments(client, root, chosen)
    assert documents(client) == made_by_prefect
    triggered = [one for one in declared if one.starts_by_event]
    assert [one.full_name for one in triggered] == ["summaries/when-inputs-land"]
    for _ in range(2):
        create_deployments(client, root, [*chosen, *triggered])
        assert documents(client) == made_by_prefect
        assert [one.name for one in client.read_automations()] == ["when-inputs-land__automation_1"]


def test_a_schedule_that_a_person_paused_stays_paused(deployed: Deployed, declared: list[Declared]) -> None:
    client, root = deployed.client, deployed.stack.root
    file = next(one for one in declared if one.full_name == "nps/daily")
    named = [{"slug": "daily", "cron": "0 9 * * *", "timezone": "UTC"}]
    daily = Declared(file.flow, {**file.entry, "name": "a test's", "schedules": named})
    create_deployments(client, root, [daily])
    deployment = client.read_deployment_by_name("nps/a test's")
    try:
        [schedule] = deployment.schedules
        assert schedule.active
        client.update_deployment_schedule(deployment.id, schedule.id, active=False)
        create_deployments(client, root, [daily])
        [again] = client.read_deployment_by_name("nps/a test's").schedules
        assert (again.id, again.active) == (schedule.id, False)
    finally:
        client.delete_deployment(deployment.id)
