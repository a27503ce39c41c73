"""Tables that may be late: what is due has not come yet, and the run that brings it is slower than it usually is.

How long a run takes is told by its own history, the last runs of the same deployment that went well at once: nobody has
to guess a limit. It is expected to take as long as nine of ten of those did at most, and one that takes longer than
that, half as long again as it has taken already.
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
from daybook.monitoring.freshness import Freshness
from daybook.monitoring.incidents.impact import lasting
from daybook.orchestration.run_tags import BACKFILL_TAG

_REMEMBERED, _ENOUGH = 20, 3  # runs of which the durations are compared, and without which nothing is said
_ASKED = 60  # runs that are asked for, as some are not comparable
_TOLERATED = timedelta(seconds=60)
_USUAL = 0.9  # of the runs take no longer than what is usual
_AND_AGAIN = 1.5  # times what it has taken, for a run that takes longer than is usual
_WILD = 2  # times what the slowest took: too long, however late the table is due
_BRING_NOTHING = {"backfill", "reconcile"}  # by themselves; their runs have the table's tag, too
_SCHEDULED = "auto-scheduled"  # Prefect's tag


@dataclass(frozen=True, slots=True)
class Risk:
    """A run that may come too late."""

    table: str
    run_id: str
    words: str
    """`Runs for 42 min; its last 20 took 5 min to 9 min; due 10:00 UTC, in 12 min.`"""
    now: datetime


class _Active(NamedTuple):
    """A run that goes on now: when it began, and what those took that were like it, the newest first."""

    run_id: str
    began: datetime
    history: list[timedelta]


def at_risk(client: SyncPrefectClient, standing: Freshness, now: datetime) -> Risk | None:
    """Whether what is due next of a table, and is not there, may come too late; None: no run of it is slow."""
    due_at, table = standing.next_due_at, standing.table
    if due_at is None:
        return None
    for run_id, began, history in _builds(client, table) if table in summary_names() else _loads(client, table):
        if may_be_late(now - began, history, due_at - now):
            return Risk(table, run_id, in_words(now - began, history, due_at, now, standing.timezone), now)
    return None


def may_be_late(taken: timedelta, history: Sequence[timedelta], left: timedelta) -> bool:
    """Whether somebody is to hear of a run that has `taken` so long, where what it brings is due in `left`.

    That is one which will end more than a minute too late, as far as `history` tells; or which has taken more than
    twice as long as the slowest, and a minute longer.
    """
    if len(history) < _ENOUGH:
        return False
    slowest = max(history)
    if taken > _WILD * slowest and taken > slowest + _TOLERATED:
        return True
    return expected(taken, history) > taken + left + _TOLERATED


def expected(taken: timedelta, history: Sequence[timedelta]) -> timedelta:
    """How long a run will take in all that has `taken` so long; `history` is not empty."""
    usual = sorted(history)[round(_USUAL * (len(history) - 1))]
    return usual if taken <= usual else taken * _AND_AGAIN


def in_words(
    taken: timedelta, history: Sequence[timedelta], due_at: datetime, now: datetime, timezone: str = "UTC"
) -> str:
    """What is told of it, with the numbers."""
    fastest, slowest = (lasting(some.total_seconds()) for some in (min(history), max(history)))
    usually = fastest if fastest == slowest else f"{fastest} to {slowest}"
    return (
        f"Runs for {lasting(taken.total_seconds())}; its last {len(history)} took {usually}; due "
        f"{due_at.astimezone(ZoneInfo(timezone)):%H:%M} {timezone}, in {lasting((due_at - now).total_seconds())}."
    )


def _loads(client: SyncPrefectClient, table: str) -> Iterator[_Active]:
    """The runs that load an interval of the table now, and are no backfill's: beside scheduled ones of the same."""
    running = FlowRunFilter(tags=FlowRunFilterTags(all_=[table]), state=_flows(StateType.RUNNING))
    for run in client.read_flow_runs(flow_run_filter=running, limit=_ASKED):
        if not (run.state and run.deployment_id) or BACKFILL_TAG in run.tags or run.parameters.get("until"):
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
    """The builds of the summary that go on now: each is a task of the flow summaries, and has its name."""
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
    """What the last ones took. One that was tried again has waited in between, and tells nothing."""
    found = [run.end_time - run.start_time for run in runs if run.run_count == 1 and run.start_time and run.end_time]
    return [timedelta(seconds=some.total_seconds()) for some in found[:_REMEMBERED]]


def _whole(run: FlowRun) -> bool:
    return bool(run.parameters.get("full_refresh"))


def _flows(type: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=[type]))
