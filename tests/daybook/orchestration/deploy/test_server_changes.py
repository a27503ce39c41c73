"""What a deploy does if the server fails in the middle, with a client that fails."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.targets.project_target import Target
from daybook.orchestration.deploy.deploy_plan import Plan
from daybook.orchestration.deploy.document import Settings, document_of
from daybook.orchestration.deploy.errors import DeployStopped
from daybook.orchestration.deploy.server_changes import apply
from daybook.orchestration.deploy.wanted import Wanted


@dataclass
class FailingClient:
    """The part of Prefect's client that creates deployments. It raises `error` instead of the `fails`th one."""

    error: Exception
    fails: int = 4
    once: bool = False
    flows: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    asked: int = 0

    def create_flow_from_name(self, name: str) -> UUID:
        self.flows.append(name)
        return uuid4()

    def create_deployment(self, flow_id: UUID, name: str, **fields: Any) -> UUID:
        self.asked += 1
        if self.asked == self.fails or (self.asked > self.fails and not self.once):
            raise self.error
        self.created.append(name)
        return uuid4()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Return a plan that creates twenty deployments of two flows."""
    settings = Settings.of(ProjectFile.model_validate({"name": "shop"}), str(tmp_path), Target())
    wanted = [Wanted(flow, f"shop.t{number}", "Load it.", ()) for flow in ("load", "reconcile") for number in range(10)]
    return Plan(settings, create=[(one, document_of(one, settings, {})) for one in wanted])


def test_each_deployment_is_one_request_and_each_flow_one_more(plan: Plan) -> None:
    client = FailingClient(ValueError(), fails=99)
    assert apply(client, plan) == []  # type: ignore[arg-type]
    assert (sorted(client.flows), client.asked) == (["load", "reconcile"], 20)


def test_a_server_that_stops_answering_stops_the_deploy_with_what_is_done(plan: Plan) -> None:
    client = FailingClient(httpx.ConnectError("connection refused"))
    with pytest.raises(
        DeployStopped, match=r"after 3 of 20 changes: ConnectError: .*\. What is deployed stays\. Run `dayb"
    ):
        apply(client, plan)  # type: ignore[arg-type]
    assert len(client.created) == 3
    assert client.asked < 8, "the others are not even tried"


def test_a_failure_is_tried_once_more_and_then_named(plan: Plan) -> None:
    client = FailingClient(ValueError("locked"), once=True)
    assert apply(client, plan) == []  # type: ignore[arg-type]
    assert len(client.created) == 20
    client = FailingClient(ValueError("locked"), fails=20)
    assert apply(client, plan) == [f"{name}: ValueError: locked" for name in ["reconcile/shop.t9"]]  # type: ignore[arg-type]
