"""How often a load plans and reads its table file."""

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient

from daybook.errors import IntervalError
from daybook.load.planning import plan as planning_module
from daybook.orchestration import run_plan
from daybook.orchestration.run_plan import PlanRequest, kept_plan, plan_for_body, plan_for_name
from flows.load_table import load_table
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.nps_flow import nps

DAY = date(2021, 2, 5)
REQUEST = PlanRequest("raw_data.nps", DAY)


class Counts:
    """How often a table file was read, and how often something was planned."""

    reads = plans = 0


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts, read, plan = Counts(), Path.read_text, planning_module.plan

    def reading(path: Path, *arguments: Any, **more: Any) -> str:
        counts.reads += path.name == "nps.yaml"
        return read(path, *arguments, **more)

    def planning(*arguments: Any, **more: Any) -> Any:
        counts.plans += 1
        return plan(*arguments, **more)

    monkeypatch.setattr(Path, "read_text", reading)
    monkeypatch.setattr(planning_module, "plan", planning)
    return counts


@pytest.fixture
def in_run(small_project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Makes this the run of that id, as far as the plan can know."""

    def become(run_id: str | None) -> None:
        monkeypatch.setattr("prefect.runtime.flow_run.id", run_id, raising=False)

    monkeypatch.setattr("prefect.runtime.flow_run.scheduled_start_time", None, raising=False)
    monkeypatch.setattr("prefect.runtime.flow_run.parent_flow_run_id", None, raising=False)
    monkeypatch.setattr(run_plan, "_kept", ContextVar("kept", default=None))
    become("one")
    return become


def test_a_run_of_a_backfill_may_load_a_lost_table_again(
    in_run: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not plan_for_body(REQUEST).refill
    monkeypatch.setattr("prefect.runtime.flow_run.tags", ["backfill", "raw_data.nps"], raising=False)
    assert plan_for_body(REQUEST).refill


def test_the_body_gets_what_was_planned_for_the_name(in_run: Callable[..., None], counts: Counts) -> None:
    planned = plan_for_name(REQUEST)
    assert plan_for_body(REQUEST) is planned
    assert kept_plan("one") is planned
    assert (counts.reads, counts.plans) == (1, 1)


def test_a_retry_reads_the_file_again(in_run: Callable[..., None], counts: Counts) -> None:
    """Somebody may have fixed it since."""
    planned = plan_for_name(REQUEST)
    plan_for_body(REQUEST)
    again = plan_for_body(REQUEST)
    assert again is not planned and kept_plan("one") is again
    assert (counts.reads, counts.plans) == (2, 2)


def test_another_run_in_the_same_process_plans_for_itself(in_run: Callable[..., None], counts: Counts) -> None:
    planned = plan_for_name(REQUEST)
    in_run("two")
    assert plan_for_body(REQUEST) is not planned
    assert counts.plans == 2 and kept_plan("one") is None


def test_a_body_that_asks_for_something_else_gets_that(in_run: Callable[..., None]) -> None:
    plan_for_name(REQUEST)
    assert plan_for_body(PlanRequest("raw_data.nps", date(2021, 2, 6))).label == "2021-02-06"
    assert plan_for_body(PlanRequest("raw_data.nps", DAY, exact=True)).exact


def test_a_name_that_cannot_be_made_leaves_no_plan(in_run: Callable[..., None]) -> None:
    with pytest.raises(IntervalError):
        plan_for_name(PlanRequest("raw_data.nps", date(2999, 1, 1)))
    assert kept_plan("one") is None


def test_outside_of_a_run_nothing_is_used_again(in_run: Callable[..., None], counts: Counts) -> None:
    in_run(None)
    plan_for_name(REQUEST)
    plan_for_body(REQUEST)
    assert counts.plans == 2


def test_another_context_has_a_plan_of_its_own(in_run: Callable[..., None]) -> None:
    """As a run in another thread has."""
    copy_context().run(plan_for_name, REQUEST)
    assert kept_plan("one") is None


def test_dates_are_read_as_prefects_server_has_them() -> None:
    given = {"execution_date": "2021-02-05", "until": None, "full_refresh": False, "symbols": ["AAPL"]}
    assert PlanRequest.of("raw_data.nps", given) == PlanRequest("raw_data.nps", DAY)


@pytest.mark.usefixtures("small_project", "without_heartbeat")
@pytest.mark.parametrize("load", [nps, load_table], ids=["nps", "load_table"])
def test_one_load_reads_its_table_file_once_and_plans_once(
    load: Any,
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[..., None],
    client: SyncPrefectClient,
    counts: Counts,
) -> None:
    """Also where it fails, and its failure is recorded."""
    on_postgres.empty()
    production.fill(DAY, 10)
    use(on_postgres)
    given = {"execution_date": DAY} | ({"table": "raw_data.nps"} if load is load_table else {})
    counts.reads = 0

    state = load.with_options(retries=0)(**given, return_state=True)
    assert state.is_completed()
    assert client.read_flow_run(state.state_details.flow_run_id).name == "raw_data.nps 2021-02-05"
    assert (counts.reads, counts.plans) == (1, 1)

    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")
    state = load.with_options(retries=0)(**given, return_state=True)
    assert state.is_failed()
    failed = on_postgres.run("SELECT flow_run_id, error_class FROM daybook.failures")
    assert failed == [(str(state.state_details.flow_run_id), "CheckFailed")]
    assert (counts.reads, counts.plans) == (2, 2)
