"""Detect tables at risk of being late: their data is due soon, and the run that loads it is slower than usual.

No limit needs to be configured. The expected duration comes from the last runs of the same deployment that succeeded at
the first attempt. A run is expected to take as long as their 90th percentile. If it has already taken longer, it is
expected to take 1.5 times as long as it has taken so far.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterName,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType, TaskRun
from prefect.client.schemas.sorting import FlowRunSort, TaskRunSort

from daybook.definitions.summary_files import summary_names
from daybook.definitions.targets.project_target import current_target
from daybook.load.planning.scattered import INTERVALS
from daybook.monitoring.freshness import Freshness
from daybook.monitoring.incidents.impact import lasting
from daybook.orchestration.run_tags import BACKFILL_TAG

_REMEMBERED, _ENOUGH = 20, 3  # the maximum and minimum number of runs to compare with
_ASKED = 60  # runs to read, as some of them are not comparable
_TOLERATED = timedelta(seconds=60)
_USUAL = 0.9  # the percentile that counts as usual
_AND_AGAIN = 1.5  # factor on the time so far, for a run that is slower than usual
_WILD = 2  # factor on the slowest run: a run that takes longer is reported even if its deadline is far away
_BRING_NOTHING = {"backfill", "reconcile"}  # these load nothing themselves, but also have the table's tag
_SCHEDULED = "auto-scheduled"  # Prefect's tag


@dataclass(frozen=True, slots=True)
class Risk:
    """A run that may finish too late."""

    table: str
    run_id: str
    words: str
    """`Running for 42 min. The last 20 runs took 5 min to 9 min. Due at 10:00 UTC, in 12 min.`"""
    now: datetime


class _Active(NamedTuple):
    """A run in progress: when it started, and the durations of comparable runs, newest first."""

    run_id: str
    began: datetime
    history: list[timedelta]


def at_risk(client: SyncPrefectClient, freshness: Freshness, now: datetime) -> Risk | None:
    """Return the risk that the next data of a table comes too late, or None if no run is slow."""
    due_at, table = freshness.next_due_at, freshness.table
    if due_at is None:
        return None
    for run_id, began, history in _builds(client, table) if table in summary_names() else _loads(client, table):
        if may_be_late(now - began, history, due_at - now):
            return Risk(table, run_id, in_words(now - began, history, due_at, now, freshness.timezone), now)
    return None


def may_be_late(taken: timedelta, history: Sequence[timedelta], left: timedelta) -> bool:
    """Return True if a run that has run for `taken` deserves a message; its data is due in `left`.

    It does if `history` predicts an end more than a minute too late, or if the run has taken more than twice as long
    as the slowest run and at least a minute longer.
    """
    if len(history) < _ENOUGH:
        return False
    slowest = max(history)
    if taken > _WILD * slowest and taken > slowest + _TOLERATED:
        return True
    return expected(taken, history) > taken + left + _TOLERATED


def expected(taken: timedelta, history: Sequence[timedelta]) -> timedelta:
    """Return the expected total duration of a run that has run for `taken`. `history` must not be empty."""
    usual = sorted(history)[round(_USUAL * (len(history) - 1))]
    return usual if taken <= usual else taken * _AND_AGAIN


def in_words(
    taken: timedelta, history: Sequence[timedelta], due_at: datetime, now: datetime, timezone: str = "UTC"
) -> str:
    """Return the sentence for the message, with the numbers."""
    fastest, slowest = (lasting(some.total_seconds()) for some in (min(history), max(history)))
    usually = fastest if fastest == slowest else f"{fastest} to {slowest}"
    return (
        f"Running for {lasting(taken.total_seconds())}. The last {len(history)} runs took {usually}. Due at "
        f"{due_at.astimezone(ZoneInfo(timezone)):%H:%M} {timezone}, in {lasting((due_at - now).total_seconds())}."
    )


def _loads(client: SyncPrefectClient, table: str) -> Iterator[_Active]:
    """Yield the runs that load an interval of the table now, except backfills, each with the history of its kind."""
    running = FlowRunFilter(tags=FlowRunFilterTags(all_=[table]), state=_flows(StateType.RUNNING))
    for run in client.read_flow_runs(flow_run_filter=running, limit=_ASKED):
        several = run.parameters.get("until") or run.parameters.get(INTERVALS)
        if not (run.state and run.deployment_id) or BACKFILL_TAG in run.tags or several:
            continue
        if not current_target().owns(run.tags):
            continue
        if client.read_flow(run.flow_id).name in _BRING_NOTHING:
            continue
        alike = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[run.deployment_id]),
            tags=FlowRunFilterTags(all_=[_SCHEDULED]),
            state=_flows(StateType.COMPLETED),
        )
        sort = FlowRunSort.EXPECTED_START_TIME_DESC
        before = client.read_flow_runs(flow_run_filter=alike, sort=sort, limit=_ASKED)
        yield _Active(
            str(run.id), run.state.timestamp, _durations([one for one in before if _whole(one) == _whole(run)])
        )


def _builds(client: SyncPrefectClient, summary: str) -> Iterator[_Active]:
    """Yield the builds of the summary in progress: each is a task of the flow `summaries` with the summary's name."""
    for task in _tasks(client, summary, StateType.RUNNING):
        if task.state:
            history = _durations(_tasks(client, summary, StateType.COMPLETED))
            yield _Active(str(task.flow_run_id), task.state.timestamp, history)


def _tasks(client: SyncPrefectClient, summary: str, type: StateType) -> list[TaskRun]:
    found: list[TaskRun] = client.read_task_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=["summaries"])),
        task_run_filter=TaskRunFilter(
            name=TaskRunFilterName(any_=[summary]),
            state=TaskRunFilterState(type=TaskRunFilterStateType(any_=[type])),
        ),
        sort=TaskRunSort.EXPECTED_START_TIME_DESC,
        limit=_ASKED,
    )
    return found


def _durations(runs: Sequence[FlowRun | TaskRun]) -> list[timedelta]:
    """Return the durations of the last runs. Leave out retried runs, which waited between their attempts."""
    found = [run.end_time - run.start_time for run in runs if run.run_count == 1 and run.start_time and run.end_time]
    return [timedelta(seconds=some.total_seconds()) for some in found[:_REMEMBERED]]


def _whole(run: FlowRun) -> bool:
    return bool(run.parameters.get("full_refresh"))


def _flows(type: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=[type]))
