"""What makes a flow a load in Prefect: the names of its runs, its retries, and a note of each failure."""

import logging
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

from prefect import Flow, runtime
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import FlowStateHook
from prefect.settings import get_current_settings

from daybook.definitions.table_files import read_table
from daybook.errors import DaybookError
from daybook.ledger.failures import Failure, Failures, now
from daybook.load.plan import Plan
from daybook.load.plan import plan as plan_load
from daybook.model.interval_grid import parse
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.run_tags import BACKFILL_NAME_END, BACKFILL_TAG
from daybook.orchestration.scheduled_time import scheduled_at, scheduled_at_of

logger = logging.getLogger("daybook.loading")


#: How many seconds a run of a deployment may take, by `job_variables: env:` in prefect.yaml. Without it: any number.
TIMEOUT = "DAYBOOK_FLOW_TIMEOUT_SECONDS"


class RetryOptions(TypedDict):
    """The arguments of `@flow` that say how long a run may take, and how often and when a failed one is tried again."""

    retries: int
    retry_delay_seconds: float
    timeout_seconds: float | None


class LoadFlowOptions(RetryOptions):
    """The arguments of `@flow` for a flow that loads a table."""

    flow_run_name: Callable[[], str]
    on_failure: list[FlowStateHook[..., Any]]
    on_crashed: list[FlowStateHook[..., Any]]


def load_flow_options(table: str | None = None) -> LoadFlowOptions:
    """How a flow that loads `table` behaves in Prefect; None: the table is its parameter `table`."""

    def run_name() -> str:
        """The table and what is loaded of it: `raw_data.nps 2021-02-05`. What is wrong is shown as it was given."""
        given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
        name = table or given.get("table")
        try:
            label = planned(str(name), given, scheduled_at()).label
        except DaybookError:
            dates = (given.get("execution_date"), given.get("until"))
            label = " until ".join(str(date) for date in dates if date is not None)
        return f"{name} {label}".strip() + (BACKFILL_NAME_END if BACKFILL_TAG in runtime.flow_run.tags else "")

    def note_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        """Leave a row in daybook.failures. Never raises: the failure itself is what matters."""
        try:
            failure = _failure(table or flow_run.parameters["table"], flow_run, state)
            if failure:
                warehouse = blocks.warehouse()
                with warehouse.session() as session:
                    Failures(warehouse).record(session, failure)
        except Exception as error:
            logger.warning("the failure could not be noted in daybook.failures: %s", type(error).__name__)

    return {**retry_options(), "flow_run_name": run_name, "on_failure": [note_failure], "on_crashed": [note_failure]}


def retry_options() -> RetryOptions:
    """One retry after three minutes, unless PREFECT_FLOWS_DEFAULT_RETRIES and …_RETRY_DELAY_SECONDS say otherwise.

    A deployment sets those for itself under `job_variables: env:` in prefect.yaml, and `TIMEOUT` beside them: Prefect
    has a setting for each but that. A run that waits inside PostgreSQL's client notices its end only once that answers.

    Raises:
        ValueError: the timeout is not a number of seconds.
    """
    settings = get_current_settings().flows
    said = settings.model_fields_set
    delay = settings.default_retry_delay_seconds
    return {
        "retries": settings.default_retries if "default_retries" in said else 1,
        "retry_delay_seconds": delay
        if "default_retry_delay_seconds" in said and isinstance(delay, int | float)
        else 180,
        "timeout_seconds": _timeout(os.environ.get(TIMEOUT)),
    }


def _timeout(said: str | None) -> float | None:
    try:
        seconds = float(said) if said else None
    except ValueError:
        seconds = 0
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ValueError(f"{TIMEOUT}={said}: expected a number of seconds, such as 3600")
    return seconds


def _failure(table: str, flow_run: FlowRun, state: State[Any]) -> Failure | None:
    """What to note of a run that failed; None where it named no interval, or all of the table."""
    try:
        plan = planned(table, flow_run.parameters, scheduled_at_of(flow_run))
    except DaybookError:
        return None
    reason = state.message or state.name or ""
    return now(table, plan.range, str(flow_run.id), reason) if plan.range else None


def planned(table: str, parameters: dict[str, Any], scheduled: datetime | None) -> Plan:
    """What a run with these parameters, which was scheduled for then, was to load of a table.

    Raises:
        TableFileError, IntervalError: that cannot be said.
    """
    known = ("execution_date", "until", "full_refresh", "allow_before_start")
    given = {name: parameters[name] for name in known if parameters.get(name) is not None}
    for name in ("execution_date", "until"):
        if isinstance(given.get(name), str):
            given[name] = parse(given[name])
    return plan_load(read_table(table), scheduled_at=scheduled, **given)
