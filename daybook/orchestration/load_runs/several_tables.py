"""The body of the flow `load`: load several tables in one run, some at a time. A failure does not stop the others."""

import contextvars
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.cache_policies import NO_CACHE

from daybook.errors import DaybookError, SourceLost, WarehouseLost
from daybook.orchestration.artifacts.load_report import show_all
from daybook.orchestration.flow import task
from daybook.orchestration.run_plan import PlanRequest, plan_for_body
from daybook.orchestration.run_tags import tag
from daybook.orchestration.tasks import extract, load, run_steps, transform

if TYPE_CHECKING:
    from daybook.load.load import LoadReport
    from daybook.orchestration.load_runs.shared_run import SharedRun


class LoadsIncomplete(DaybookError):
    """Some tables of a run could not be loaded. The others are loaded. The message names them and the reasons."""

    def __init__(self, message: str, parts: Mapping[str, str]) -> None:
        super().__init__(message)
        self.parts = dict(parts)


def load_each(requests: Sequence[PlanRequest], at_once: int) -> "list[LoadReport]":
    """Load the tables, at most `at_once` at the same time, and return the report of each.

    Several tables are a task run each, with the table's name, and share blocks, connections and one artifact. A single
    table has the tasks and the artifact of the flow `load-table`.

    Raises:
        LoadsIncomplete: some of several tables could not be loaded. The others are loaded.
        SourceLost, WarehouseLost: all of them failed because this database could not be reached.
        DaybookError: the only table could not be loaded.
    """
    tag(*(request.table for request in requests))
    if len(requests) == 1:
        return [run_steps(plan_for_body(requests[0]), extract, transform, load)]
    from daybook.orchestration.load_runs.shared_run import SharedRun
    from daybook.sql.kept_connections import kept_connections

    shared, pool = SharedRun(), ThreadPoolExecutor(max(at_once, 1))
    with kept_connections():
        try:
            running = [pool.submit(contextvars.copy_context().run, _load, request, shared) for request in requests]
            wait(running)
        finally:  # if the run is cancelled, no other table begins
            pool.shutdown(wait=False, cancel_futures=True)
            shared.close()
    reports, failed = list["LoadReport"](), dict[str, BaseException]()
    for request, future in zip(requests, running, strict=True):
        error = future.exception()
        if error is None:
            reports.append(future.result())
        elif isinstance(error, Exception):
            failed[request.table] = error
        else:
            raise error
    try:
        show_all(reports, _reasons(failed))
    finally:
        if failed:
            raise _summed_up(failed, len(requests))
    get_run_logger().info("%d tables are loaded", len(reports))
    return reports


@task(name="load-table", task_run_name="{request.table}", cache_policy=NO_CACHE)
def _load(request: PlanRequest, shared: "SharedRun") -> "LoadReport":
    """Load one of the tables. Prefect shows its outcome as a task run with the table's name."""
    return shared.load(plan_for_body(request))


def _summed_up(failed: dict[str, BaseException], count: int) -> DaybookError:
    """Return one error that names every failed table. A lost database keeps its class, since it is one incident."""
    parts = _reasons(failed)
    lines = [f"{len(failed)} of {count} tables could not be loaded; the others are loaded"]
    text = "\n".join(lines + [f"- {name}: {reason}" for name, reason in parts.items()])
    kinds = {type(error) for error in failed.values()}
    for lost in (SourceLost, WarehouseLost):
        if kinds == {lost}:
            error: DaybookError = lost(text)
            error.parts = parts
            return error
    return LoadsIncomplete(text, parts)


def _reasons(failed: Mapping[str, BaseException]) -> dict[str, str]:
    return {name: f"{type(error).__name__}: {error}" for name, error in failed.items()}
