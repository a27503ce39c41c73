"""No task or block of Daybook lets Prefect start a temporary server, as in a notebook without PREFECT_API_URL."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daybook.orchestration import flow, tasks
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.server.errors import ServerUnreachable

ROOT = Path(__file__).parents[3]
NOTHING: Any = None


@pytest.mark.parametrize(
    "call",
    [
        lambda: tasks.extract(NOTHING),
        lambda: tasks.extract.submit(NOTHING),
        lambda: tasks.extract.map([NOTHING]),
        lambda: tasks.load.with_options(retries=0)(NOTHING),
        lambda: blocks.engine("production"),
        blocks.warehouse,
        blocks.stage,
        blocks.copy_iam_role,
    ],
    ids=["call", "submit", "map", "with_options", "engine", "warehouse", "stage", "role"],
)
def test_a_call_without_a_named_server_is_refused(call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ServerUnreachable("PREFECT_API_URL is not set")

    monkeypatch.setattr(flow, "check_server_is_named", refuse)
    monkeypatch.setattr(blocks, "check_server_is_named", refuse)
    with pytest.raises(ServerUnreachable, match="PREFECT_API_URL is not set"):
        call()


def test_a_call_within_a_run_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(flow, "check_server_is_named", lambda: asked.append(1))
    flow._check_call()
    monkeypatch.setattr(flow.FlowRunContext, "get", lambda: "a run")
    flow._check_call()
    assert asked == [1]


def test_every_flow_and_task_is_of_this_kind() -> None:
    imported = re.compile(r"^from prefect import .*\b(task|flow)\b", re.MULTILINE)
    files = [*(ROOT / "daybook").rglob("*.py"), *(ROOT / "flows").glob("*.py")]
    assert [str(file.relative_to(ROOT)) for file in files if imported.search(file.read_text(encoding="utf-8"))] == []
