"""Prefect's server and its pools: versions, clocks, and a worker of another pool."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.schemas.objects import WorkPoolStatus
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.doctor.workers import check_worker, clock, compared


@pytest.mark.parametrize(
    ("server", "client", "level", "text"),
    [
        ("3.8.8", "3.8.2", "ok", "version 3.8.8"),
        ("3.9.0", "3.8.8", "ok", "version 3.9.0"),
        ("3.8.6", "3.8.6", "ok", "version 3.8.6"),
        ("3.8.5", "3.8.8", "warning", "version 3.8.5 may stop answering when an automation is created"),
        ("3.8.8", "3.9.1", "warning", "version 3.8.8 is older than this client's 3.9.1"),
        ("3.7.4", "3.8.8", "error", "version 3.7.4 is too old: Daybook supports 3.8 to 3.9"),
        ("2.20.3", "3.8.8", "error", "version 2.20.3 is too old"),
        ("3.11.0", "3.9.1", "warning", "version 3.11.0 is newer than those that Daybook was tested with, 3.8 to 3.9"),
        ("4.0.0rc1", "3.9.1", "error", "version 4.0.0rc1 is too new"),
    ],
)
def test_versions_of_the_server(server: str, client: str, level: str, text: str) -> None:
    found = compared(server, client)
    assert found.level == level and found.text.startswith(text)
    assert (found.remedy == "") == (level == "ok")
    if "older" in text:
        needed = "pip install prefect==3.8.8 'sqlalchemy<2.1' 'fastapi<0.151'"
        assert found.remedy == f"here: {needed}; or upgrade the server"
    assert level != "error" or found.remedy == "on the server's machine: pip install 'prefect>=3.8,<3.10'"


@pytest.mark.parametrize(
    ("ahead", "text"),
    [(4, ""), (-4, ""), (90, "its clock is 90 s ahead of this machine's"), (-3600, "its clock is 3600 s behind")],
)
def test_clocks(ahead: float, text: str) -> None:
    found = list(clock("warehouse", ahead))
    assert [one.level for one in found] == (["warning"] if text else [])
    assert all(one.text.startswith(text) and one.remedy == "synchronize both clocks (NTP)" for one in found)


class Server:
    """A Prefect server with work pools, and the ages of the heartbeats of one pool's workers in seconds."""

    def __init__(self, pools: dict[str, WorkPoolStatus], ages: list[float], paused: bool = False) -> None:
        self.pools, self.ages, self.paused = pools, ages, paused

    def read_work_pool(self, name: str) -> Any:
        if name not in self.pools:
            raise ObjectNotFound(Exception())
        return SimpleNamespace(type="process", is_paused=self.paused, is_push_pool=False, is_managed_pool=False)

    def read_work_pools(self, **_: Any) -> list[Any]:
        return [SimpleNamespace(name=name, status=status) for name, status in self.pools.items()]

    def request(self, *_: Any, **__: Any) -> Any:
        now = datetime.now(UTC)
        seen = [{"last_heartbeat_time": (now - timedelta(seconds=age)).isoformat()} for age in self.ages]
        return SimpleNamespace(json=lambda: seen)


IDLE, READY = WorkPoolStatus.NOT_READY, WorkPoolStatus.READY
START = "prefect worker start --pool daybook"


@pytest.mark.parametrize(
    ("server", "text", "remedy"),
    [
        (Server({"daybook": READY}, [400, 12]), "daybook (process): a worker was seen 12 s ago", ""),
        (Server({"daybook": IDLE}, []), "daybook: no worker was ever seen", START),
        (Server({"daybook": IDLE}, [7200]), "daybook: the last worker was seen 120 min ago", START),
        (
            Server({"daybook": IDLE, "etl": READY}, []),
            "daybook: no worker was ever seen; etl has a worker",
            f"{START}, or set work_pool: etl in daybook.yaml",
        ),
        (
            Server({"etl": READY}, []),
            "there is no work pool 'daybook'; etl has a worker",
            "prefect work-pool create daybook --type process, or set work_pool: etl in daybook.yaml",
        ),
        (
            Server({"daybook": READY}, [5], paused=True),
            "daybook is paused: no run starts",
            "prefect work-pool resume daybook",
        ),
    ],
    ids=["seen", "never", "long ago", "of another pool", "no such pool", "paused"],
)
def test_the_worker(server: Any, text: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daybook.orchestration.doctor.workers.program", lambda name: name)
    first, *_ = check_worker(server, "daybook")
    assert (first.text, first.remedy, first.level) == (text, remedy, "error" if remedy else "ok")
