"""Run deployments on the stack's server and worker. Import this module after `replace_environment`."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId, LogFilterLevel
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.stack import WORK_POOL, LocalStack
from daybook.orchestration.pagination import PAGE

WORKER_START = 120  # seconds; after the installation, a slow machine reads all of Prefect from its disk
RUN_LIMIT = 900  # seconds after which the demo gives up on a run
RETRIES = "0"  # the demo shows a failure at once, not after a retry in three minutes
WARNING = 30  # the level of Python's logging
POLL = 0.3  # seconds between two looks at a run


def wait_for_work_pool(stack: LocalStack, client: SyncPrefectClient) -> None:
    """Wait until the worker has created its work pool.

    Raises:
        StackError: the worker has ended, or did not create the pool within two minutes.
    """

    def exists() -> bool:
        stack.worker.require_running()
        try:
            return client.read_work_pool(WORK_POOL) is not None
        except ObjectNotFound:
            return False

    if not wait_until(exists, WORKER_START):
        raise StackError(
            f"The worker did not create the work pool {WORK_POOL!r} within {WORKER_START} s. See {stack.worker.log}"
        )


def run_deployment(
    stack: LocalStack,
    client: SyncPrefectClient,
    deployment: str,
    parameters: dict[str, Any],
    on_state: Callable[[str], None],
) -> FlowRun:
    """Run `deployment` (`flow/name`), wait until the run has ended, and return it: see `start_run`, `wait_for_run`."""
    return wait_for_run(stack, client, deployment, start_run(client, deployment, parameters), on_state)


def start_run(client: SyncPrefectClient, deployment: str, parameters: dict[str, Any]) -> FlowRun:
    """Create a run of `deployment`, which the worker starts within a second.

    Raises:
        StackError: the deployment does not exist.
    """
    try:
        deployed = client.read_deployment_by_name(deployment)
    except ObjectNotFound:
        raise StackError(f"The deployment {deployment!r} does not exist: expected prefect.yaml to have it.") from None
    return client.create_flow_run_from_deployment(
        deployed.id, parameters=parameters, job_variables={"env": {"PREFECT_FLOWS_DEFAULT_RETRIES": RETRIES}}
    )


def wait_for_run(
    stack: LocalStack, client: SyncPrefectClient, deployment: str, run: FlowRun, on_state: Callable[[str], None]
) -> FlowRun:
    """Wait until a run of `deployment` has ended, and return it.

    `on_state` is called with the name of each state that the run enters before it ends.

    Raises:
        StackError: the run did not complete. Has the run's error, its last warnings and the log files.
    """
    state = ""
    deadline = time.monotonic() + RUN_LIMIT
    while run.state is None or not run.state.is_final():
        if run.state and run.state.name != state:
            state = run.state.name or ""
            on_state(state)
        if time.monotonic() > deadline:
            raise StackError(f"{deployment} did not end within {RUN_LIMIT} s.\n{_details(stack, client, run)}")
        stack.worker.require_running()
        stack.server.require_running()
        time.sleep(POLL)
        run = client.read_flow_run(run.id)
    if not run.state.is_completed():
        raise StackError(f"{deployment} ended as {run.state.name}: {run.state.message}\n{_details(stack, client, run)}")
    return run


def _details(stack: LocalStack, client: SyncPrefectClient, run: FlowRun) -> str:
    """Return the run's last warnings, its address in the UI, and the log files."""
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
        lines += [message[0], message[-1]]  # without the middle of a traceback, which is on the run's page
    return list(dict.fromkeys(lines))[-20:]
