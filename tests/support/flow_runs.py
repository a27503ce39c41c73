"""Create and await flow runs on the session's server, and find the processes in which its worker runs them."""

from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.local_stack.processes import marked_processes
from daybook.orchestration.run_failure import failure_of_error, record_failure
from tests.support.project_copy import Deployed

PATIENCE = 300  # seconds: long enough for a slow machine; only a failing test waits this long
PAUSE = 1.0  # seconds: to read a run costs the server 30 ms, and several tests wait at a time


def wait_for(worker: Deployed, run: FlowRun, *states: str) -> FlowRun:
    """Wait until the run is in one of `states`, and return it."""

    def arrived() -> bool:
        state = worker.client.read_flow_run(run.id).state
        return state is not None and state.name in states

    assert wait_until(arrived, PATIENCE, PAUSE), worker.client.read_flow_run(run.id).state
    return worker.client.read_flow_run(run.id)


def create(worker: Deployed, deployment: str, **options: object) -> FlowRun:
    found = worker.client.read_deployment_by_name(deployment)
    return worker.client.create_flow_run_from_deployment(found.id, **options)  # type: ignore[arg-type]


def failed_with(client: SyncPrefectClient, run_id: UUID, error: Exception) -> FlowRun:
    """Record `error` as the failure of a run that is in a failed state, and return the run."""
    run = client.read_flow_run(run_id)
    record_failure(client, run.id, run.run_count, failure_of_error(error))
    return client.read_flow_run(run_id)


def flow_processes(worker: Deployed, run: FlowRun) -> list[psutil.Process]:
    """Return the processes in which the worker runs this flow run."""
    marked = marked_processes(worker.stack.home, "worker")
    return [process for process in marked if process.environ().get("PREFECT__FLOW_RUN_ID") == str(run.id)]
