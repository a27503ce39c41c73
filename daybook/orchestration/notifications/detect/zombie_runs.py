"""Detect zombie runs: Prefect counts them as running, but their process is gone.

The automation "daybook: lost" detects a missing heartbeat while the Prefect server is up. It forgets what it waits for
if the server itself is down for some minutes; this module handles that case.
"""

import logging
from datetime import datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.states import Crashed

from daybook.definitions.targets.project_target import current_target
from daybook.monitoring.incidents.impact import at
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.failed_runs import OURS
from daybook.orchestration.pagination import PAGE

logger = logging.getLogger("daybook.notifications")

_SILENT = timedelta(minutes=10)  # runs send a heartbeat every 30 s, or every 3 minutes by Prefect's default


def settle(client: SyncPrefectClient, earlier: datetime, now: datetime) -> bool:
    """Mark running runs of this target as crashed if they sent no heartbeat since the pass `earlier`.

    That pass is at least ten minutes ago. The server was up then and is up now, so a live run would have sent one. A
    run without any heartbeat is not touched: heartbeats may be off. Return True if `earlier` was long enough ago.
    """
    if now - earlier < _SILENT:
        return False
    running = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[OURS]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
        start_time=FlowRunFilterStartTime(before_=earlier),  # type: ignore[arg-type]
    )
    for run in client.read_flow_runs(flow_run_filter=running, limit=PAGE):
        heard = _last_heartbeat(client, run) if current_target().owns(run.tags) else None
        if heard and heard < earlier:
            message = f"No heartbeat from its process since {at(heard)}."
            logger.warning("%s: %s", run.name, message)
            client.set_flow_run_state(run.id, Crashed(message=message))
    return True


def _last_heartbeat(client: SyncPrefectClient, run: FlowRun) -> datetime | None:
    wanted = EventFilter(
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
    )
    events = client.read_events(wanted, limit=1).events
    return to_stdlib_datetime(events[0].occurred) if events else None
