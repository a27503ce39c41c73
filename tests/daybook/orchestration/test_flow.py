"""No task or block of Daybook lets Prefect start a temporary server, as in a notebook without PREFECT_API_URL."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

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


@pytest.mark.parametrize(
    "parameters",
    [
        {"execution_date": date(2021, 2, 5), "until": datetime(2021, 2, 6, 1, tzinfo=UTC), "exact": True, "no": None},
        {"tables": ["raw_data.nps", "raw_data.visits"], "at_once": 4, "share": 0.5},
        {"options": {"full_refresh": True}, "days": [date(2021, 2, 5)]},
    ],
)
def test_parameters_are_stored_as_prefect_stores_them(parameters: dict[str, Any]) -> None:
    made: Flow[..., Any] = flow.flow(name="anything")(lambda **given: None)
    assert made.serialize_parameters(parameters) == Flow.serialize_parameters(made, parameters)


def test_a_run_sends_heartbeats_and_does_not_wait_for_their_thread(
    prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emitted, waits, join = list[str](), list[float | None](), threading.Thread.join

    def recorded(thread: threading.Thread, timeout: float | None = None) -> None:
        waits.append(timeout)
        join(thread, timeout)

    monkeypatch.setattr("prefect.flow_engine.emit_event", lambda event, **more: emitted.append(event))
    monkeypatch.setattr(threading.Thread, "join", recorded)
    flow.flow(name="anything")(lambda: None)()
    assert emitted == ["prefect.flow-run.heartbeat"]
    assert 2 not in waits  # Prefect's own limit for that thread, which sleeps for a second at a time
