"""`daybook doctor` on broken set-ups: what it prints, and what it leaves out. The checks have tests of their own."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daybook.cli.project.doctor import main
from daybook.orchestration.blocks.errors import BlockUnusable
from daybook.orchestration.doctor import examine
from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.server import require
from daybook.orchestration.server.address import ServerAddress
from tests.support.servers.ports import free_port

ORDERS = "description: x\nowner: data\nload: replace\nsource: {kind: database, block: shop, table: a.b}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables/raw").mkdir(parents=True)
    (tmp_path / "tables/raw/orders.yaml").write_text(ORDERS)
    (tmp_path / "daybook.yaml").write_text("targets: {dev: {}}")
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("DAYBOOK_TARGET", raising=False)


def problems(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    """Run the command, and return check, text and remedy of each error and warning."""
    code = main(["--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == any(one["level"] == "error" for one in found)
    shown = [one for one in found if one["level"] != "ok" and one["check"] not in ("environment", "versions")]
    assert all(one["remedy"] for one in shown), "each problem has a remedy"
    return [(one["check"], one["text"], one["remedy"]) for one in shown]


NOT_CHECKED = ("blocks", "not checked: the Prefect server has the credentials", "run this again with the server")


def test_no_server_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(require, "find_address", lambda: ServerAddress(None))
    monkeypatch.setattr(require, "local_stack_url", lambda: None)
    (_, text, remedy), not_checked = problems(capsys)
    assert text.startswith("PREFECT_API_URL is not set, so no Prefect server is named")
    assert remedy.startswith("Name yours: export PREFECT_API_URL=https://prefect.example.com/api")
    assert not_checked == NOT_CHECKED


def test_the_server_is_down(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    monkeypatch.setattr(require, "find_address", lambda: ServerAddress(url, "the environment"))
    (check, text, remedy), not_checked = problems(capsys)
    assert (check, not_checked) == ("Prefect server", NOT_CHECKED)
    assert text == f"no Prefect server answers at PREFECT_API_URL={url} (from the environment): [Errno 111] " + (
        "Connection refused"
    )
    assert remedy.startswith("Start it") and "export PREFECT_API_URL=" in remedy


class Up:
    """A server that answers. Each check finds what `results` says, else that all is well."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, results: dict[str, Finding] | None = None) -> None:
        self.copied = False
        results = results or {}

        def checks(name: str) -> Callable[..., Iterator[Finding]]:
            return lambda *_: iter([results.get(name, Finding("ok", name, "well"))])

        def copy(*_: object) -> Iterator[Finding]:
            self.copied = True
            yield Finding("ok", "COPY", "well")

        @contextmanager
        def server() -> Iterator[None]:
            yield None

        monkeypatch.setattr("daybook.cli.project.doctor.require_server", lambda: None)
        monkeypatch.setattr(examine, "server", server)
        monkeypatch.setattr(examine, "find_address", lambda: ServerAddress("http://x/api", "the environment"))
        for name in ("check_version", "check_worker", "check_schedules", "check_notifications"):
            monkeypatch.setattr(examine, name, checks(name))
        for name in ("source", "warehouse", "stage"):
            monkeypatch.setattr(examine, f"check_{name}", checks(name))
            opened = "engine" if name == "source" else name
            monkeypatch.setattr(examine.blocks, opened, lambda *_: object())
        monkeypatch.setattr(examine, "check_copy", copy)


def test_all_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    server = Up(monkeypatch)
    assert problems(capsys) == [] and server.copied
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "✓ warehouse: well" in printed and "✓ COPY: well" in printed and "target" not in printed
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    assert main([]) == 0
    assert "✓ target: dev: the schema raw_data is dev_raw_data, the block warehouse is warehouse-dev" in (
        capsys.readouterr().out
    )


def test_a_block_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    server = Up(monkeypatch)

    def missing(*_: Any) -> None:
        raise BlockUnusable(
            "the block SqlAlchemyConnector/warehouse-dev is missing: set DAYBOOK_WAREHOUSE_URL and run `daybook blocks "
            "--target dev`, or name another block under targets: dev: blocks: in daybook.yaml"
        )

    monkeypatch.setattr(examine.blocks, "warehouse", missing)
    ((check, text, remedy),) = problems(capsys)
    assert (check, text) == ("warehouse", "the block SqlAlchemyConnector/warehouse-dev is missing")
    assert remedy.startswith("set DAYBOOK_WAREHOUSE_URL and run `daybook blocks --target dev`, or name another")
    assert not server.copied


@pytest.mark.parametrize("name", ["warehouse", "stage"])
def test_a_copy_is_not_tried_if_it_would_fail_for_the_same_reason(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Up(monkeypatch, {name: Finding("error", name, "refused", "GRANT it")})
    assert problems(capsys) == [(name, "refused", "GRANT it")]
    assert not server.copied
    warned = Up(monkeypatch, {name: Finding("warning", name, "slow", "wait")})
    assert problems(capsys) == [(name, "slow", "wait")] and warned.copied
