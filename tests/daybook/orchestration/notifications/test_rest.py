"""A pass of the monitor lets a sleeping warehouse sleep exactly as long as no table can become late."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.table import Table
from daybook.monitoring.freshness import Freshness, State
from daybook.orchestration.notifications import monitor_pass, rest
from daybook.orchestration.notifications.detect.slow_runs import Risk
from daybook.orchestration.notifications.monitor_pass import MonitorPass
from daybook.orchestration.notifications.rest import may_rest, note_rest

NOW = datetime(2021, 2, 5, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
CLIENT = cast(SyncPrefectClient, None)


class Memory(dict[str, Any]):
    """A variable store of the monitor, and what the pass sees: the table files, and the slow runs."""

    def __init__(self) -> None:
        self.files, self.slow = [table()], set[str]()

    def set(self, key: str, document: Any) -> None:
        self[key] = document

    def delete(self, key: str) -> None:
        self.pop(key, None)


def table(**fields: Any) -> Table:
    given = {"description": "x", "owner": "x", "load": "replace_interval", "cursor": "at", "interval": "day"}
    source = {"kind": "database", "table": "prod.t"}
    return Table(name="raw.t", **given | {"due": "10:00", "source": source} | fields)


def fresh(**fields: Any) -> Freshness:
    return Freshness("raw.t", "x", "UTC", State.FRESH, **fields)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    memory = Memory()

    def at_risk(client: SyncPrefectClient, freshness: Freshness, now: datetime) -> Risk | None:
        assert freshness.next_due_at
        return Risk(freshness.table, "run", "slow", now) if freshness.table in memory.slow else None

    monkeypatch.setattr(rest, "VariableStore", lambda client, kind: memory)
    monkeypatch.setattr(rest, "expected", lambda: (memory.files, []))
    monkeypatch.setattr(rest, "at_risk", at_risk)
    yield memory


def test_it_sleeps_until_the_first_instant_at_which_a_table_may_change(memory: Memory) -> None:
    assert not may_rest(CLIENT, NOW)
    note_rest(CLIENT, [fresh(changes_at=NOW + 3 * HOUR), fresh(changes_at=NOW + 2 * HOUR), fresh()], NOW)
    assert may_rest(CLIENT, NOW + 2 * HOUR - timedelta.resolution)
    assert not may_rest(CLIENT, NOW + 2 * HOUR)


def test_it_wakes_once_a_day_although_nothing_is_due(memory: Memory) -> None:
    note_rest(CLIENT, [fresh()], NOW)
    assert may_rest(CLIENT, NOW + 23 * HOUR) and not may_rest(CLIENT, NOW + 24 * HOUR)


def test_it_does_not_sleep_while_a_table_is_late(memory: Memory) -> None:
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR)], NOW)
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR, since=NOW)], NOW)
    assert not may_rest(CLIENT, NOW)


@pytest.mark.parametrize("change", [{"due": "09:00"}, {"start": "2021-02-01"}, {"calendar": "XNYS"}])
def test_a_changed_table_file_wakes_it(memory: Memory, change: dict[str, Any]) -> None:
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR)], NOW)
    memory.files = [table(**change)]
    assert not may_rest(CLIENT, NOW)


def test_a_slow_run_wakes_it_if_its_table_is_awaited(memory: Memory) -> None:
    memory.slow = {"raw.t"}
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR)], NOW)
    assert may_rest(CLIENT, NOW)
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR, next_due_at=NOW + HOUR)], NOW)
    assert not may_rest(CLIENT, NOW)


def test_a_note_that_somebody_edited_counts_for_nothing(memory: Memory) -> None:
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR)], NOW)
    memory["rests"] = {"until": "soon"}
    assert not may_rest(CLIENT, NOW)


@pytest.mark.usefixtures("small_project")
def test_the_note_is_a_variable_of_prefect(client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "expected", lambda: ([table()], []))
    try:
        note_rest(client, [fresh(changes_at=NOW + HOUR, next_due_at=NOW + HOUR)], NOW)
        assert may_rest(client, NOW) and not may_rest(client, NOW + HOUR)
    finally:
        note_rest(client, [fresh(since=NOW)], NOW)
    assert not may_rest(client, NOW)


@pytest.mark.parametrize(
    ("sleeps", "incidents", "rests"), [(True, [], True), (True, ["one"], False), (False, [], False)]
)
def test_a_pass_that_rests_sends_the_warehouse_nothing(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, sleeps: bool, incidents: list[str], rests: bool
) -> None:
    note_rest(CLIENT, [fresh(changes_at=NOW + HOUR)], NOW)
    asked = list[str]()

    class Warehouse:
        def session(self) -> Any:
            asked.append("session")
            raise RuntimeError("away")

    Warehouse.sleeps = sleeps  # type: ignore[attr-defined]
    monkeypatch.setattr(monitor_pass.blocks, "warehouse", lambda patience: Warehouse())
    monkeypatch.setattr(monitor_pass.blocks, "secret_values", tuple)
    store: Callable[..., Any] = lambda *_: type("Store", (), {"open": incidents, "cleaned": str})()  # noqa: E731
    monkeypatch.setattr(monitor_pass, "IncidentStore", store)
    found = MonitorPass(CLIENT, NOW)
    assert (found.rests, bool(asked), found.warehouse is None) == (rests, not rests, not rests)
    if rests:
        found.check_warehouse()
        found.check_deadlines()
        assert not asked
