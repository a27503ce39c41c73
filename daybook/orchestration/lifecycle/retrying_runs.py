"""The tables that have failed in a run that is not over: it waits for its retry, or retries now."""

from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateName

from daybook.definitions.targets.project_target import current_target
from daybook.orchestration.pagination import PAGE, every
from daybook.orchestration.run_failure import failure_before_retry

_STATES = ["AwaitingRetry", "Retrying"]


def failed_before_retry(client: SyncPrefectClient) -> dict[str, datetime]:
    """Return the tables and summaries of the target that failed in such a run, with the time of the failure.

    `daybook.failures` does not have them yet: it records a run when it is over.
    """
    wanted = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=_STATES)))
    found, target = dict[str, datetime](), current_target()
    for run in every(lambda offset: client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset)):
        failure = failure_before_retry(run) if target.owns(run.tags) else None
        if failure and failure.failed_at:
            # A run of one table has no parts, and the table as a tag.
            for name in failure.parts or run.tags:
                found[target.either(name)] = failure.failed_at
    return found
