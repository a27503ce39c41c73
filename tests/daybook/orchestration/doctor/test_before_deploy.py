"""What a deploy says about the set-up: what would keep all runs from loading."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.exceptions import ObjectNotFound

from daybook.cli.automations import main as automations
from daybook.cli.project.deploy import main as deploy
from daybook.definitions.project_file import read_project
from daybook.errors import TableFileError
from daybook.orchestration.doctor import before_deploy
from daybook.orchestration.doctor.findings import Finding


class Server:
    """A Prefect server with some blocks, a version, and perhaps the work pool."""

    def __init__(self, *blocks: str, pool: bool = True) -> None:
        self.blocks, self.pool = blocks, pool

    def read_block_document_by_name(self, name: str, slug: str, **_: Any) -> Any:
        if f"{slug}/{name}" not in self.blocks:
            raise ObjectNotFound(Exception())
        return SimpleNamespace()

    def read_work_pool(self, _: str) -> None:
        if not self.pool:
            raise ObjectNotFound(Exception())


NO_WORKER = Finding("error", "work pool", "daybook: no worker was ever seen", "start one")


@pytest.mark.parametrize(
    ("target", "server", "found"),
    [
        ("prod", Server("sqlalchemy-connector/warehouse", "s3-bucket/stage"), ["daybook: no worker was ever seen"]),
        ("prod", Server("sqlalchemy-connector/warehouse", "local-file-system/stage", pool=False), []),
        (
            "dev",
            Server("sqlalchemy-connector/warehouse", "s3-bucket/stage", pool=False),
            [f"the block {name}-dev is missing, so every run would fail" for name in ("warehouse", "stage")],
        ),
    ],
)
def test_why_runs_would_wait_or_fail(
    target: str, server: Any, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "daybook.yaml").write_text("targets: {dev: {}, frozen: {deployable: false}}")
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setenv("DAYBOOK_TARGET", target)
    monkeypatch.setattr(before_deploy, "check_version", lambda _: [Finding("ok", "Prefect server", "version 3.9.1")])
    monkeypatch.setattr(before_deploy, "check_worker", lambda *_: [NO_WORKER])
    problems = list(before_deploy.problems_of_runs(server, read_project()))
    assert [one.text for one in problems] == found
    if target == "dev":
        assert problems[0].remedy == "set DAYBOOK_WAREHOUSE_URL and run: daybook blocks --target dev"
        with pytest.raises(TableFileError, match="they belong to prod: run daybook automations without --target"):
            automations([])


def test_a_target_that_nobody_may_deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "daybook.yaml").write_text("targets: {frozen: {deployable: false}}")
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setenv("DAYBOOK_TARGET", "frozen")
    with pytest.raises(TableFileError, match=r"targets\.frozen\.deployable is false: nobody may deploy this target"):
        deploy([])
