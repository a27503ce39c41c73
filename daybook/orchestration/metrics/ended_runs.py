"""Read the runs of tables that ended in a time range, if Prefect still has them."""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterEndTime,
    TaskRunFilterName,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort

from daybook.definitions.targets.project_target import current_target
from daybook.model.interval import Interval
from daybook.monitoring.key_metrics.run_counts import ReportedRuns, Run
from daybook.orchestration.pagination import PAGE, every
from daybook.orchestration.run_tags import BACKFILL_TAG

_OVER = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]  # a cancelled run did not succeed or fail
#: The flow of backfills, whose own run also has the table's tag; and the flow whose tasks are the summaries' builds.
_BACKFILLS, _SUMMARIES = "backfill", "summaries"
#: The flow of audits, whose run also has the table's tag. It loads no rows, and fails if the table differs.
_AUDITS = "reconcile"


def ended_runs(
    client: SyncPrefectClient, tables: Collection[str], summaries: Collection[str], span: Interval
) -> ReportedRuns:
    """Return the target's runs of `tables` and its builds of `summaries` that ended within `span`.

    A run that failed and was retried counts once, with its final state.
    """
    flows = client.read_flows(flow_filter=FlowFilter(name=FlowFilterName(any_=[_BACKFILLS, _AUDITS])))
    runs, backfills, names = list[Run](), set[str](), {flow.id: flow.name for flow in flows}
    for run in _of_tables(client, tables, span):
        if names.get(run.flow_id) == _AUDITS or not current_target().owns(run.tags):
            continue
        if BACKFILL_TAG in run.tags or run.flow_id in names:
            backfills.add(str(run.id))
        if run.end_time:
            runs += [Run(str(run.id), tag, _has_failed(run), run.end_time) for tag in run.tags if tag in tables]
    built: dict[tuple[str, str], Run] = {}
    tasks = list(_of_summaries(client, summaries, span))
    ours = _of_target(client, {task.flow_run_id for task in tasks if task.flow_run_id})
    for task in tasks:
        if task.end_time and task.flow_run_id in ours:
            found = Run(str(task.flow_run_id), task.name, _has_failed(task), task.end_time)
            last = built.setdefault((found.id, found.table), found)
            built[found.id, found.table] = max(last, found, key=lambda one: one.ended_at)
    return ReportedRuns((*runs, *built.values()), frozenset(backfills), _since(client))


def _of_tables(client: SyncPrefectClient, tables: Collection[str], span: Interval) -> Iterator[FlowRun]:
    wanted = FlowRunFilter(
        tags=FlowRunFilterTags(any_=sorted(tables)),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_OVER)),
        end_time=FlowRunFilterEndTime(after_=span.start, before_=span.end),  # type: ignore[arg-type]
    )

    def read(offset: int) -> list[FlowRun]:
        order = FlowRunSort.EXPECTED_START_TIME_ASC
        return client.read_flow_runs(flow_run_filter=wanted, sort=order, limit=PAGE, offset=offset)

    return every(read) if tables else iter(())


def _of_summaries(client: SyncPrefectClient, names: Collection[str], span: Interval) -> Iterator[TaskRun]:
    wanted = TaskRunFilter(
        name=TaskRunFilterName(any_=sorted(names)),
        state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_OVER)),
        end_time=TaskRunFilterEndTime(after_=span.start, before_=span.end),  # type: ignore[arg-type]
    )
    flow = FlowFilter(name=FlowFilterName(any_=[_SUMMARIES]))

    def read(offset: int) -> list[TaskRun]:
        order = TaskRunSort.EXPECTED_START_TIME_ASC
        return client.read_task_runs(flow_filter=flow, task_run_filter=wanted, sort=order, limit=PAGE, offset=offset)

    return every(read) if names else iter(())


def _of_target(client: SyncPrefectClient, runs: Collection[UUID]) -> set[UUID]:
    """Return those of these flow runs that are of the current target. A task run does not have its run's tags."""
    found, ids, target = set[UUID](), sorted(runs), current_target()
    for first in range(0, len(ids), PAGE):
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=ids[first : first + PAGE]))
        found |= {run.id for run in client.read_flow_runs(flow_run_filter=chosen, limit=PAGE) if target.owns(run.tags)}
    return found


def _since(client: SyncPrefectClient) -> datetime | None:
    """Return the end of the oldest run of Daybook that Prefect still has, or None if it has none."""
    ended = FlowRunFilterEndTime(is_null_=False)
    ours = FlowRunFilter(tags=FlowRunFilterTags(all_=["daybook"]), end_time=ended)
    oldest = client.read_flow_runs(flow_run_filter=ours, sort=FlowRunSort.START_TIME_ASC, limit=1)
    return oldest[0].end_time if oldest else None


def _has_failed(run: FlowRun | TaskRun) -> bool:
    return run.state is not None and (run.state.is_failed() or run.state.is_crashed())
