"""`daybook uninstall` shows what the project has made, asks, and leaves the rest of the server alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from daybook.cli.tables.uninstall import main


class Server:
    """A Prefect server with objects of this project, of another one, and of others."""

    api_url = "http://server/api"

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def read_automations(self, **given: Any) -> list[Any]:
        return [SimpleNamespace(id="a1", name="daybook: late"), SimpleNamespace(id="a2", name="mine")]

    def read_deployments(self, *, offset: int, **given: Any) -> list[Any]:
        tags = {"daily": [], "load": ["daybook-project:daybook"], "theirs": ["daybook-project:shop"]}
        found = [SimpleNamespace(id=f"d-{name}", name=name, tags=["daybook", *own]) for name, own in tags.items()]
        return [] if offset else found

    def request(self, method: str, path: str, json: dict[str, Any]) -> Any:
        assert json["variables"] == {"tags": {"all_": ["daybook"]}}
        return SimpleNamespace(json=lambda: [] if json["offset"] else [{"name": "daybook_incident_x"}])

    def read_block_documents(self, offset: int, limit: int) -> list[Any]:
        names = {"sqlalchemy-connector": ["warehouse", "shop"], "slack-webhook": ["slack"], "json": ["warehouse"]}
        return [
            SimpleNamespace(id=f"b-{slug}-{name}", name=name, block_type=SimpleNamespace(slug=slug))
            for slug, found in names.items()
            for name in found
        ]

    def __getattr__(self, name: str) -> Any:
        assert name.startswith("delete_")
        return self.deleted.append


class Ends:
    def __init__(self) -> None:
        self.client = Server()

    @contextmanager
    def server(self) -> Iterator[Server]:
        yield self.client


OURS = ["a1", "d-daily", "d-load", "daybook_incident_x"]
BLOCKS = ["b-sqlalchemy-connector-warehouse", "b-slack-webhook-slack"]


@pytest.mark.parametrize(("arguments", "deleted"), [([], OURS), (["--blocks"], OURS + BLOCKS), (["--dry-run"], [])])
def test_what_the_project_made_is_removed(
    arguments: list[str], deleted: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ends = Ends()
    assert main([*arguments, "--yes"], ends=ends) == 0  # type: ignore[arg-type]
    assert ends.client.deleted == deleted
    said = capsys.readouterr().out
    assert "- deployment load" in said and "theirs" not in said and "mine" not in said
    assert ("DROP SCHEMA daybook CASCADE" in said) == bool(deleted)


def test_the_plan_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--dry-run", "--json"], ends=Ends()) == 0  # type: ignore[arg-type]
    assert {"kind": "automation", "name": "daybook: late"} in json.loads(capsys.readouterr().out)
