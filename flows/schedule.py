"""Which moment a run was meant for."""

from datetime import datetime
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client


def scheduled_at() -> datetime | None:
    """The run's *original* scheduled time, in UTC, also for a run that is late, was retried or waited for its turn.

    A flow that was called by another one was meant for that one's moment, where Prefect itself says "now".
    """
    meant: datetime | None = runtime.flow_run.scheduled_start_time
    if runtime.flow_run.parent_flow_run_id is None:
        return meant
    with get_client(sync_client=True) as client:
        return client.read_flow_run(UUID(runtime.flow_run.root_flow_run_id)).expected_start_time
