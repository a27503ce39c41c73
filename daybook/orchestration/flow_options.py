"""The options of `@flow` for flows that load or build: run names, retries, and a record of each failure."""

import logging
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from prefect import Flow, runtime
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import FlowStateHook
from prefect.settings import get_current_settings

from daybook.errors import DaybookError
from daybook.load.planning.scattered import INTERVALS
from daybook.model.interval import Interval
from daybook.orchestration.run_failure import failure_of_state
from daybook.orchestration.run_plan import PlanRequest, kept_plan, plan_for_name
from daybook.orchestration.run_tags import BACKFILL_NAME_END, BACKFILL_TAG
from daybook.orchestration.scheduled_time import scheduled_at_of

if TYPE_CHECKING:  # only a failed run imports them
    from daybook.ledger.failures import Failure
    from daybook.warehouses.base import Warehouse
    from daybook.warehouses.session import Session

logger = logging.getLogger("daybook.loading")

_NAMED = 3  # tables in the name of a run of many

#: The environment variable with the seconds that a run may take: `job_variables: env:` in prefect.yaml sets it for a
#: deployment. Without it, a run may take any time.
TIMEOUT = "DAYBOOK_FLOW_TIMEOUT_SECONDS"


class RetryOptions(TypedDict):
    """The options of `@flow` for the timeout of a run, and for the number and delay of its retries."""

    retries: int
    retry_delay_seconds: float
    timeout_seconds: float | None


class SummaryFlowOptions(RetryOptions):
    """The options of `@flow` for a flow that builds summaries."""

    on_failure: list[FlowStateHook[..., Any]]


class LoadFlowOptions(SummaryFlowOptions):
    """The options of `@flow` for a flow that loads a table."""

    flow_run_name: Callable[[], str]
    on_crashed: list[FlowStateHook[..., Any]]


def load_flow_options(table: str | None = None) -> LoadFlowOptions:
    """Return the options of a flow that loads `table`. Pass None if its parameter `table` or `tables` names them."""

    def run_name() -> str:
        """Return the table and what is loaded of it: `raw_data.nps 2021-02-05`. Wrong dates are shown as given."""
        given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
        names = _tables(table, given)
        if len(names) > 1:
            return f"{len(names)} tables: {', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''}"
        name = names[0]
        try:
            planned = plan_for_name(PlanRequest.of(name, given))
            name, label = planned.table.name, planned.label  # the name in the target's warehouse
        except DaybookError:
            dates = (given.get("execution_date"), given.get("until"))
            label = " until ".join(str(date) for date in dates if date is not None)
            label = label or ", ".join(map(str, given.get(INTERVALS) or ()))
        return f"{name} {label}".strip() + (BACKFILL_NAME_END if BACKFILL_TAG in runtime.flow_run.tags else "")

    def note_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        _record(lambda: _failures(_tables(table, flow_run.parameters), flow_run, state))

    return {**retry_options(), "flow_run_name": run_name, "on_failure": [note_failure], "on_crashed": [note_failure]}


def summary_flow_options() -> SummaryFlowOptions:
    """Return the options of a flow that builds summaries. A killed run leaves no record: nobody knows what it built."""

    def note_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        from daybook.ledger.failures import now

        parts = failure_of_state(state).parts
        _record(lambda: [now(name, None, str(flow_run.id), *_with_class(reason)) for name, reason in parts.items()])

    return {**retry_options(), "on_failure": [note_failure]}


def retry_options() -> RetryOptions:
    """Return the retry options and the timeout: by default, one retry after three minutes and no timeout.

    PREFECT_FLOWS_DEFAULT_RETRIES and PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS override the retries, and `TIMEOUT`,
    for which Prefect has no setting, sets the timeout. A deployment sets all three under `job_variables: env:` in
    prefect.yaml. A run that waits inside PostgreSQL's client notices the timeout only when the server answers.

    Raises:
        ValueError: the timeout is not a number of seconds.
    """
    settings = get_current_settings().flows
    given = settings.model_fields_set
    delay = settings.default_retry_delay_seconds
    return {
        "retries": settings.default_retries if "default_retries" in given else 1,
        "retry_delay_seconds": delay
        if "default_retry_delay_seconds" in given and isinstance(delay, int | float)
        else 180,
        "timeout_seconds": _timeout(os.environ.get(TIMEOUT)),
    }


def _timeout(text: str | None) -> float | None:
    try:
        seconds = float(text) if text else None
    except ValueError:
        seconds = 0
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ValueError(f"{TIMEOUT}={text}: expected a number of seconds, such as 3600")
    return seconds


def _tables(table: str | None, parameters: dict[str, Any]) -> list[str]:
    """Return the tables that a run loads: the flow's own, or those of its parameters."""
    return [table] if table else [str(name) for name in parameters.get("tables") or [parameters.get("table")]]


def _record(find: "Callable[[], list[Failure]]") -> None:
    """Add rows to daybook.failures. Never raises: the failure itself is what matters."""
    try:
        from daybook.ledger.failures import Failures
        from daybook.orchestration.blocks import open as blocks

        if failures := find():
            warehouse = blocks.warehouse()
            with warehouse.session() as session:
                if len({failure.table for failure in failures}) > 1:
                    failures = [one for one in failures if not _was_killed_later(warehouse, session, one)]
                Failures(warehouse).record(session, *failures)
    except Exception as error:
        logger.warning("the failure could not be recorded in daybook.failures: %s", type(error).__name__)


def _was_killed_later(warehouse: "Warehouse", session: "Session", failure: "Failure") -> bool:
    """Return True if a run of several tables was killed after it had committed this one."""
    from daybook.ledger.ledger import Ledger

    run = failure.flow_run_id
    return not failure.error_class and run is not None and bool(Ledger(warehouse).of_run(session, failure.table, run))


def _failures(tables: list[str], flow_run: FlowRun, state: State[Any]) -> "list[Failure]":
    """Return the rows for a failed run of each table with something to load: one for each stretch of intervals."""
    from daybook.ledger.failures import Failure, now

    failure, found = failure_of_state(state), list[Failure]()
    reasons = failure.parts or dict.fromkeys(tables, failure.reason)
    for table, reason in reasons.items():
        try:
            request = PlanRequest.of(table, flow_run.parameters)
            kept = kept_plan(str(flow_run.id)) if len(tables) == 1 else None
            plan = kept or request.plan(scheduled_at_of(flow_run))
        except DaybookError:
            continue
        words = _with_class(reason) if failure.parts else (reason, failure.error_class)
        stretches: Sequence[Interval | None] = plan.stretches or [None]
        if not plan.idle:
            found += [now(plan.table.name, one, str(flow_run.id), *words) for one in stretches]
    return found


def _with_class(reason: str) -> tuple[str, str]:
    """Return the reason of a part of a failure, and the class of its error, with which it begins."""
    return reason, reason.partition(":")[0]
