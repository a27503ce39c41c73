"""`daybook uninstall` shows what the project has made, asks, and leaves the rest of the server alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from prefect.events.actions import RunDeployment

from daybook.cli.tables.uninstall import main

DEPLOYMENTS = {name: uuid4() for name in ("daily", "load", "load-dev", "new-dev", "theirs")}
FLOW = uuid4()
NAMES: dict[Any, str] = {id: f"d-{name}" for name, id in DEPLOYMENTS.items()}
VARIABLES = [
    {"name": "daybook_incident_x", "tags": ["daybook"]},
    {"name": "daybook_dev_incident_x", "tags": ["daybook", "daybook-target:dev"]},
]


class Server:
    """A Prefect server with objects of this project, of another one, and of others."""

    api_url = "http://server/api"

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def read_automations(self, **given: Any) -> list[Any]:
        if given.get("offset"):
            return []
        own = [("a1", "daybook: late"), ("a2", "mine")]
        found = [SimpleNamespace(id=id, name=name, tags=["daybook"], actions=[]) for id, name in own]
        triggers = {DEPLOYMENTS["load"]: "t-load", DEPLOYMENTS["theirs"]: "t-theirs", DEPLOYMENTS["load-dev"]: "t-dev"}
        for deployment, id in triggers.items() if "automations" not in given else ():
            runs = [RunDeployment(source="selected", deployment_id=deployment)]
            found.append(SimpleNamespace(id=id, name=f"trigger {id}", tags=["daybook-project:daybook"], actions=runs))
        return found

    def read_deployments(self, *, offset: int, **given: Any) -> list[Any]:
        tags = {
            "daily": [],
            "load": ["daybook-project:daybook"],
            "load-dev": ["daybook-project:daybook", "daybook-target:dev"],
            "new-dev": ["daybook-project:daybook@dev", "daybook-target:dev"],
            "theirs": ["daybook-project:shop"],
        }
        found = [
            SimpleNamespace(id=DEPLOYMENTS[name], name=name, flow_id=FLOW, tags=["daybook", *own])
            for name, own in tags.items()
        ]
        return [] if offset else found

    def read_flows(self, **given: Any) -> list[Any]:
        return [SimpleNamespace(id=FLOW, name="load")]

    def request(self, method: str, path: str, json: dict[str, Any]) -> Any:
        assert json["variables"] == {"tags": {"all_": ["daybook"]}}
        return SimpleNamespace(json=lambda: [] if json["offset"] else VARIABLES)

    def read_block_documents(self, offset: int, limit: int) -> list[Any]:
        names = {
            "sqlalchemy-connector": ["warehouse", "production", "shop", "warehouse-dev"],
            "slack-webhook": ["slack"],
            "json": ["warehouse"],
        }
        return [
            SimpleNamespace(id=f"b-{slug}-{name}", name=name, block_type=SimpleNamespace(slug=slug))
            for slug, found in names.items()
            for name in found
        ]

    def __getattr__(self, name: str) -> Any:
        assert name.startswith("delete_")
        return lambda id: self.deleted.append(NAMES.get(id, id))


class Ends:
    def __init__(self) -> None:
        self.client = Server()

    @contextmanager
    def server(self) -> Iterator[Server]:
        yield self.client


OURS = ["t-load", "a1", "d-daily", "d-load", "daybook_incident_x"]
DEVS = ["t-dev", "d-load-dev", "d-new-dev", "daybook_dev_incident_x"]
ALL = ["t-load", "t-dev", "a1", "d-daily", "d-load", "d-load-dev", "d-new-dev", *(one["name"] for one in VARIABLES)]
BLOCKS = [f"b-{name}" for name in ("sqlalchemy-connector-warehouse", "sqlalchemy-connector-production")]
DEVS_BLOCKS = ["b-sqlalchemy-connector-warehouse-dev"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "daybook.yaml").write_text("targets: {dev: {blocks: {production: production}}}")
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("DAYBOOK_TARGET", raising=False)


@pytest.mark.parametrize(
    ("target", "arguments", "deleted"),
    [
        ("prod", [], OURS),
        ("dev", [], DEVS),
        ("dev", ["--blocks"], DEVS + DEVS_BLOCKS),  # it shares production with prod
        (None, ["--blocks"], [*ALL, *BLOCKS, *DEVS_BLOCKS, "b-slack-webhook-slack"]),
        (None, ["--dry-run"], []),
    ],
)
def test_what_the_project_made_is_removed(
    target: str | None,
    arguments: list[str],
    deleted: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if target:
        monkeypatch.setenv("DAYBOOK_TARGET", target)
    ends = Ends()
    assert main([*arguments, "--yes"], ends=ends) == 0  # type: ignore[arg-type]
    assert ends.client.deleted == deleted
    said = capsys.readouterr().out
    assert (f"in target {target}" if target else "in all targets (dev, prod)") in said
    assert "- deployment load/" in said and "theirs" not in said and "mine" not in said
    assert ("DROP SCHEMA daybook CASCADE" in said) == bool(deleted)


def test_the_plan_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dry-run", "--json"], ends=Ends()) == 0  # type: ignore[arg-type]
    assert {"kind": "automation", "name": "daybook: late"} in json.loads(capsys.readouterr().out)


def test_json_is_for_the_plan_alone(capsys: pytest.CaptureFixture[str]) -> None:
    ends = Ends()
    with pytest.raises(SystemExit) as left:
        main(["--yes", "--json"], ends=ends)  # type: ignore[arg-type]
    assert (left.value.code, ends.client.deleted) == (2, [])
    assert "--json prints the plan: add --dry-run" in capsys.readouterr().err
