"""The runs of tables that ended in some stretch of time, as Prefect remembers them."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
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

from daybook.interval import Interval
from daybook.key_metrics.runs import Run, Told
from flows.children import TAG as BACKFILL

T = TypeVar("T")

_PAGE = 200  # what the server gives out at once
_OVER = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED]  # what a person cancelled is neither good nor bad
#: The flows whose runs are about a table that no tag names: it is a parameter of the one, and tasks of the other.
_ANY_TABLE, _SUMMARIES = "load-table", "summaries"


def ended_runs(client: SyncPrefectClient, tables: Collection[str], summaries: Collection[str], span: Interval) -> Told:
    """What ended within `span`: the runs of `tables`, and those of the flow `summaries` that each of `summaries` had.

    A run that failed and was tried again by itself is one run, as it ended.
    """
    found = {run.id: run for run in _of_tables(client, tables, span)}
    backfills = frozenset(str(id) for id, run in found.items() if BACKFILL in run.tags)
    runs = [
        Run(str(run.id), table, _has_failed(run), run.end_time)
        for run in found.values()
        if run.end_time and (table := _table_of(run, tables))
    ]
    built: dict[tuple[str, str], TaskRun] = {}
    for task in _of_summaries(client, summaries, span):
        key = (str(task.flow_run_id), task.name)
        if key not in built or (task.end_time and built[key].end_time < task.end_time):  # type: ignore[operator]
            built[key] = task
    runs += [Run(run, name, _has_failed(task), task.end_time) for (run, name), task in built.items() if task.end_time]
    oldest = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=["daybook"]), end_time=FlowRunFilterEndTime(is_null_=False)
        ),
        sort=FlowRunSort.START_TIME_ASC,
        limit=1,
    )
    return Told(tuple(runs), backfills, oldest[0].end_time if oldest else None)


def _of_tables(client: SyncPrefectClient, tables: Collection[str], span: Interval) -> Iterator[FlowRun]:
    over: dict[str, Any] = {
        "state": FlowRunFilterState(type=FlowRunFilterStateType(any_=_OVER)),
        "end_time": FlowRunFilterEndTime(after_=span.start, before_=span.end),  # type: ignore[arg-type]
    }

    def tagged(offset: int) -> list[FlowRun]:
        named = FlowRunFilter(tags=FlowRunFilterTags(any_=sorted(tables)), **over)
        return client.read_flow_runs(
            flow_run_filter=named, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_PAGE, offset=offset
        )

    def of_any_table(offset: int) -> list[FlowRun]:
        flow = FlowFilter(name=FlowFilterName(any_=[_ANY_TABLE]))
        return client.read_flow_runs(
            flow_filter=flow,
            flow_run_filter=FlowRunFilter(**over),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=_PAGE,
            offset=offset,
        )

    if tables:
        yield from _pages(tagged)
        yield from _pages(of_any_table)


def _of_summaries(client: SyncPrefectClient, names: Collection[str], span: Interval) -> Iterator[TaskRun]:
    def page(offset: int) -> list[TaskRun]:
        return client.read_task_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=[_SUMMARIES])),
            task_run_filter=TaskRunFilter(
                name=TaskRunFilterName(any_=sorted(names)),
                state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_OVER)),
                end_time=TaskRunFilterEndTime(after_=span.start, before_=span.end),  # type: ignore[arg-type]
            ),
            sort=TaskRunSort.EXPECTED_START_TIME_ASC,
            limit=_PAGE,
            offset=offset,
        )

    if names:
        yield from _pages(page)


def _pages(read: Callable[[int], list[T]]) -> Iterator[T]:
    offset, page = 0, read(0)
    while page:
        yield from page
        offset += len(page)
        page = read(offset) if len(page) == _PAGE else []


def _table_of(run: FlowRun, tables: Collection[str]) -> str | None:
    named = [tag for tag in run.tags if tag in tables]
    given = run.parameters.get("table")
    return named[0] if named else given if given in tables else None


def _has_failed(run: FlowRun | TaskRun) -> bool:
    return run.state is not None and (run.state.is_failed() or run.state.is_crashed())
