"""Runs of deployments on the stack's server, done by its worker. Import it once the environment is the stack's."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterLevel,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.stack import WORK_POOL, LocalStack
from daybook.orchestration.pagination import PAGE

WORKER_START = 120  # seconds; right after the installation a slow machine reads all of Prefect from its disk
RUN_LIMIT = 900  # seconds that a run may take before the demo gives up on it
RETRIES = "0"  # whoever watches a run wants to hear of its failure at once, not after a retry in three minutes
WARNING = 30  # of Python's logging levels


def wait_for_work_pool(stack: LocalStack, client: SyncPrefectClient) -> None:
    """Wait until the worker has made its work pool. Raises StackError if it ends, or does not within two minutes."""

    def exists() -> bool:
        stack.worker.require_running()
        try:
            return client.read_work_pool(WORK_POOL) is not None
        except ObjectNotFound:
            return False

    if not wait_until(exists, WORKER_START):
        raise StackError(
            f"The worker has not made the work pool {WORK_POOL!r} for {WORKER_START} s. See {stack.worker.log}"
        )


def settle_abandoned(client: SyncPrefectClient) -> int:
    """Mark the runs that a dead worker left over as crashed, which frees their concurrency slots. Returns how many.

    To be called when no worker of the pool runs: then nothing of it can be running.
    """
    unfinished = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
        )
    )
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[WORK_POOL]))
    abandoned = client.read_flow_runs(
        flow_run_filter=unfinished, work_pool_filter=pool, sort=FlowRunSort.START_TIME_ASC, limit=PAGE
    )
    for run in abandoned:
        client.set_flow_run_state(run.id, Crashed(message="Its worker was killed."), force=True)
    return len(abandoned)


def run_deployment(
    stack: LocalStack,
    client: SyncPrefectClient,
    deployment: str,
    parameters: dict[str, Any],
    tell: Callable[[str], None],
) -> FlowRun:
    """Trigger `deployment` (`flow/name`) and wait for the worker to finish it; `tell` is given each new state's name.

    Raises StackError with the run's error, its last warnings and the log files, if it does not complete.
    """
    try:
        deployed = client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        raise StackError(f"There is no deployment {deployment!r}: expected prefect.yaml to name it.") from None
    run = client.create_flow_run_from_deployment(
        deployed.id, parameters=parameters, job_variables={"env": {"PREFECT_FLOWS_DEFAULT_RETRIES": RETRIES}}
    )
    state = ""
    deadline = time.monotonic() + RUN_LIMIT
    while run.state is None or not run.state.is_final():
        if run.state and run.state.name != state:
            state = run.state.name or ""
            tell(state)
        if time.monotonic() > deadline:
            raise StackError(f"{deployment} has not ended for {RUN_LIMIT} s.\n{_story(stack, client, run)}")
        stack.worker.require_running()
        stack.server.require_running()
        time.sleep(0.5)
        run = client.read_flow_run(run.id)
    if not run.state.is_completed():
        raise StackError(f"{deployment} ended as {run.state.name}: {run.state.message}\n{_story(stack, client, run)}")
    return run


def _story(stack: LocalStack, client: SyncPrefectClient, run: FlowRun) -> str:
    """What the run said of its trouble, and where there is more."""
    return "\n".join(
        [
            *(f"    {line}" for line in _warnings(client, run.id)),
            f"The run: {stack.ui_address}/runs/flow-run/{run.id}",
            f"Logs: {stack.worker.log} and {stack.server.log}",
        ]
    )


def _warnings(client: SyncPrefectClient, run_id: UUID) -> list[str]:
    filters = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]), level=LogFilterLevel(ge_=WARNING))
    lines: list[str] = []
    for log in client.read_logs(filters, limit=PAGE):
        message = log.message.strip().splitlines() or [""]
        lines += [message[0], message[-1]]  # of a traceback the middle is left to the run's page
    return list(dict.fromkeys(lines))[-20:]
