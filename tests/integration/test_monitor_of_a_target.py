"""The monitor of a target sees the runs, deployments, variables and events of its own target alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from daybook.model.interval import Interval
from daybook.orchestration.artifacts.text import page_key
from daybook.orchestration.events import event_in_target
from daybook.orchestration.lifecycle.table_deployments import deployments_of, running_loads
from daybook.orchestration.metrics.ended_runs import ended_runs
from daybook.orchestration.notifications.detect import scheduler_health, stuck_runs, zombie_runs
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.notifications.pass_lock import exclusive_pass
from daybook.orchestration.variable_store import VariableStore

NOW, FLOW = datetime(2026, 3, 1, 12, tzinfo=UTC), uuid4()
#: Staging has its own database with prod's schemas, so its tables have prod's names.
TARGETS = 'targets: {dev: {}, staging: {schema_prefix: "", schedules: true}}'
TAGS = {"prod": [], "dev": ["daybook-target:dev"], "staging": ["daybook-target:staging"]}


@pytest.fixture(params=["prod", "staging"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "daybook.yaml").write_text(TARGETS)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setenv("DAYBOOK_TARGET", request.param)
    return str(request.param)


class Server:
    """A Prefect server with one running run and one deployment of each target, all of the table raw_data.orders."""

    def __init__(self) -> None:
        self.crashed: list[str] = []
        self.variables: dict[str, Any] = {}
        self.limits: list[str] = []

    def read_flow_runs(self, *, offset: int = 0, **_: Any) -> list[Any]:
        return [] if offset else [self.read_flow_run(name) for name in TAGS]

    def read_flow_run(self, id: Any) -> Any:
        state = SimpleNamespace(
            id=uuid4(), timestamp=NOW, is_pending=lambda: True, is_failed=lambda: False, is_crashed=lambda: False
        )
        tags = ["daybook", "raw_data.orders", *TAGS[str(id)]]
        return SimpleNamespace(
            id=id, name=f"of {id}", tags=tags, flow_id=FLOW, state=state, end_time=NOW, work_pool_name="daybook"
        )

    def read_deployments(self, *, offset: int = 0, **_: Any) -> list[Any]:
        found = [SimpleNamespace(id=name, name=name, flow_id=FLOW, tags=["daybook", *TAGS[name]]) for name in TAGS]
        return [] if offset else found

    def read_flows(self, **_: Any) -> list[Any]:
        return [SimpleNamespace(id=FLOW, name="load")]

    def read_events(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(events=[SimpleNamespace(occurred=NOW - timedelta(hours=1))])

    def read_task_runs(self, **_: Any) -> list[Any]:
        return []

    def set_flow_run_state(self, id: str, _: Any) -> None:
        self.crashed.append(id)

    def read_variable_by_name(self, name: str) -> Any:
        return self.variables.get(name)

    def create_variable(self, variable: Any) -> None:
        self.variables[variable.name] = variable

    def request(self, _: str, __: str, json: dict[str, Any]) -> Any:
        (tag,) = json["variables"]["tags"]["all_"]
        found = [{"name": one.name, "value": one.value} for one in self.variables.values() if tag in one.tags]
        return SimpleNamespace(json=lambda: [] if json["offset"] else found)

    def upsert_global_concurrency_limit_by_name(self, name: str, _: int) -> None:
        self.limits.append(name)
        raise RuntimeError("far enough")


def test_runs_and_deployments_of_other_targets_are_left_alone(target: str) -> None:
    server: Any = Server()
    zombie_runs.settle(server, NOW - timedelta(minutes=15), NOW)
    assert server.crashed == [target]
    assert [one.name for one in scheduler_health._deployments(server)] == [target]
    assert running_loads(server, "raw_data.orders") == [f"of {target}"]
    assert [one.id for one in deployments_of(server, "raw_data.orders", [])] == [target]
    told = ended_runs(server, ["raw_data.orders"], [], Interval(NOW, NOW + timedelta(days=1)))
    assert [one.id for one in told.runs] == [target]

    reported: list[Any] = []
    store: Any = SimpleNamespace(about=lambda _: None, keep=lambda incident, _: reported.append(incident.run))
    for name in TAGS:
        stuck_runs.report_stuck_run(store, server, name, NOW)  # type: ignore[arg-type]
    assert reported == [target]


def test_variables_events_pages_and_the_lock_are_its_own(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server: Any = Server()
    VariableStore(server, "incident").set("x", {"subject": "raw_data.orders"})
    names = {"prod": "daybook_incident_x", "staging": "daybook_staging_incident_x"}
    assert list(server.variables) == [names[target]]
    assert server.variables[names[target]].tags[:-1] == ["daybook", *TAGS[target]]
    events = {"prod": "daybook.table.loaded", "staging": "daybook.staging.table.loaded"}
    assert event_in_target("daybook.table.loaded") == events[target]
    pages = {"prod": ["freshness", "load-raw-data-orders"], "staging": ["freshness-staging"]}
    assert [page_key("freshness"), page_key("load", "raw_data.orders")][: len(pages[target])] == pages[target]
    with pytest.raises(RuntimeError), exclusive_pass(server):
        pass
    assert server.limits == [{"prod": "daybook-monitor", "staging": "daybook-monitor-staging"}[target]]

    for other in set(TAGS) - {target}:
        monkeypatch.setenv("DAYBOOK_TARGET", other)
        assert VariableStore(server, "incident").all() == {}
        assert IncidentStore(server, None).open == []
