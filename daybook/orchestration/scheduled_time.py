"""Return the time that a run was scheduled for."""

from datetime import datetime
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun


def scheduled_at() -> datetime | None:
    """Return this run's *original* scheduled time, in UTC, even if the run is late, was retried or waited for a slot.

    For a flow that another flow called, return the time of the caller, where Prefect itself returns the current time.
    """
    scheduled: datetime | None = runtime.flow_run.scheduled_start_time
    if runtime.flow_run.parent_flow_run_id is None:
        return scheduled
    return _of_root(UUID(runtime.flow_run.id))


def scheduled_at_of(run: FlowRun) -> datetime | None:
    """Return the original scheduled time of any run, for hooks that may be called in another process."""
    return run.expected_start_time if run.parent_task_run_id is None else _of_root(run.id)


def _of_root(run_id: UUID) -> datetime | None:
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run_id)
        while run.parent_task_run_id and (called := client.read_task_run(run.parent_task_run_id)).flow_run_id:
            run = client.read_flow_run(called.flow_run_id)
        return run.expected_start_time
