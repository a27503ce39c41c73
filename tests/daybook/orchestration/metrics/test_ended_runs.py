"""Which runs of a table have ended, as a real Prefect server has them."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect import Flow, flow, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Crashed, Failed

from daybook.model.interval import Interval
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.metrics.ended_runs import ended_runs
from daybook.orchestration.run_tags import BACKFILL_TAG
from daybook.orchestration.summaries import build_tasks
from tests.support.flow_runs import PATIENCE


def test_each_run_of_a_table_is_known_by_its_tag(client: SyncPrefectClient, without_heartbeat: None) -> None:
    table, summary = f"raw_data.t{secrets.token_hex(4)}", f"analytics.s{secrets.token_hex(4)}"
    began = datetime.now(UTC) - timedelta(seconds=1)

    @flow(name="backfill")
    def backfill() -> None: ...

    @flow(name="reconcile")
    def reconcile() -> None: ...

    @flow(name="some-load")
    def some_load() -> None: ...

    @task(task_run_name=summary)
    def build(tries: list[int]) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the first time")

    @flow(name="summaries", retries=1, retry_delay_seconds=0)
    def summaries(tries: list[int]) -> None:
        build(tries)

    def run(state: State, *tags: str, of: Flow[[], None] = some_load) -> str:
        made = client.create_flow_run(of, tags=["daybook", *tags])
        client.set_flow_run_state(made.id, state, force=True)
        return str(made.id)

    good, bad, lost = (run(state, table) for state in (Completed(), Failed(), Crashed()))
    child, parent = run(Failed(), table, BACKFILL_TAG), run(Failed(), table, of=backfill)
    run(Cancelled(), table)
    run(Failed(), table, of=reconcile)
    run(Completed(), "raw_data.other")
    client.create_flow_run(some_load, tags=["daybook", table])  # has not begun
    built = summaries([], return_state=True).state_details.flow_run_id

    span = Interval(began, began + timedelta(hours=1))
    assert wait_until(
        lambda: any(one.table == summary for one in ended_runs(client, [], [summary], span).runs), PATIENCE
    )
    told = ended_runs(client, [table], [summary], span)
    assert {(one.id, one.table, one.failed) for one in told.runs} == {
        (good, table, False),
        (bad, table, True),
        (lost, table, True),
        (child, table, True),
        (parent, table, True),
        (str(built), summary, False),
    }
    assert told.backfills == {child, parent}
    assert told.since is not None and told.since <= datetime.now(UTC)
    before = Interval(began - timedelta(days=9), began - timedelta(days=8))
    assert ended_runs(client, [table], [summary], before).runs == ()


def test_builds_of_two_targets_with_the_same_schemas_are_told_apart(
    client: SyncPrefectClient, without_heartbeat: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the tags of their runs, which a run by hand gives itself."""
    (tmp_path / "daybook.yaml").write_text("targets: {dev: {schema_prefix: ''}}\n", encoding="utf-8")
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.setattr(build_tasks, "plan_builds", lambda warehouse, tables, without: None)
    monkeypatch.setattr(build_tasks.blocks, "warehouse", lambda: None)
    name, began = f"analytics.s{secrets.token_hex(4)}", datetime.now(UTC) - timedelta(seconds=1)

    @task(task_run_name=name)
    def build() -> None: ...

    @flow(name="summaries")
    def summaries() -> None:
        build_tasks.plan([name])
        build()

    made = {}
    for target in ("dev", "prod"):
        monkeypatch.setenv("DAYBOOK_TARGET", target)
        made[target] = str(summaries(return_state=True).state_details.flow_run_id)

    def counted(target: str) -> list[str]:
        monkeypatch.setenv("DAYBOOK_TARGET", target)
        found = ended_runs(client, [], [name], Interval(began, began + timedelta(hours=1)))
        return [one.id for one in found.runs]

    assert wait_until(lambda: bool(counted("dev")) and bool(counted("prod")), PATIENCE)
    assert {target: counted(target) for target in made} == {target: [run] for target, run in made.items()}
