"""The body of the flow `load`: load several tables in one run, some at a time. A failure does not stop the others."""

import contextvars
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE

from daybook.errors import DaybookError, SourceLost, WarehouseLost
from daybook.orchestration.flow import task
from daybook.orchestration.run_plan import PlanRequest, plan_for_body
from daybook.orchestration.run_tags import tag
from daybook.orchestration.tasks import extract, load, run_steps, transform

if TYPE_CHECKING:
    from daybook.load.load import LoadReport


class LoadsIncomplete(DaybookError):
    """Some tables of a run could not be loaded. The others are loaded. The message names them and the reasons."""

    def __init__(self, message: str, parts: Mapping[str, str]) -> None:
        super().__init__(message)
        self.parts = dict(parts)


def load_each(requests: Sequence[PlanRequest], at_once: int) -> "list[LoadReport]":
    """Load the tables, at most `at_once` at the same time, and return the report of each.

    Several tables are a task run each, with the table's name. A single table has the tasks of the flow `load-table`.

    Raises:
        LoadsIncomplete: some of several tables could not be loaded. The others are loaded.
        SourceLost, WarehouseLost: all of them failed because this database could not be reached.
        DaybookError: the only table could not be loaded.
    """
    tag(*(request.table for request in requests))
    if len(requests) == 1:
        return [_load_one(requests[0])]
    pool = ThreadPoolExecutor(max(at_once, 1))
    try:
        named = [(request, _load.with_options(task_run_name=request.table)) for request in requests]
        running = [pool.submit(contextvars.copy_context().run, one, request) for request, one in named]
        wait(running)
    finally:  # if the run is cancelled, no other table begins
        pool.shutdown(wait=False, cancel_futures=True)
    reports, failed = list["LoadReport"](), dict[str, BaseException]()
    for request, future in zip(requests, running, strict=True):
        error = future.exception()
        if error is None:
            reports.append(future.result())
        elif isinstance(error, Exception):
            failed[request.table] = error
        else:
            raise error
    if failed:
        raise _summed_up(failed, len(requests))
    get_run_logger().info("%d tables are loaded", len(reports))
    return reports


@task(name="load-table", cache_policy=NO_CACHE)
def _load(request: PlanRequest) -> "LoadReport":
    return _load_one(request)


def _load_one(request: PlanRequest) -> "LoadReport":
    return run_steps(plan_for_body(request), extract, transform, load)


def _summed_up(failed: dict[str, BaseException], count: int) -> DaybookError:
    """Return one error that names every failed table. A lost database keeps its class, since it is one incident."""
    parts = {name: f"{type(error).__name__}: {error}" for name, error in failed.items()}
    lines = [f"{len(failed)} of {count} tables could not be loaded; the others are loaded"]
    text = "\n".join(lines + [f"- {name}: {reason}" for name, reason in parts.items()])
    kinds = {type(error) for error in failed.values()}
    for lost in (SourceLost, WarehouseLost):
        if kinds == {lost}:
            error: DaybookError = lost(text)
            error.parts = parts
            return error
    return LoadsIncomplete(text, parts)
