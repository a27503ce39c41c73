"""Report runs that do not start: pending for too long, or not picked up by any worker."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from daybook.definitions.targets.project_target import current_target
from daybook.monitoring.incidents.impact import at, lasting
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.failures import UNOWNED
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.pagination import PAGE

_POOL = "the work pool "  # followed by its name, which may have spaces
_LATE = timedelta(seconds=60)  # a polling worker may take this long to pick up a run


def report_stuck_run(store: IncidentStore, client: SyncPrefectClient, run_id: UUID, now: datetime) -> None:
    """Open an incident if a worker has accepted the run but has not started it. Leave out runs of other targets."""
    run = _read(client, run_id)
    if run is None or run.state is None or not run.state.is_pending() or not current_target().owns(run.tags):
        return
    since = to_stdlib_datetime(run.state.timestamp)
    incident = Incident(
        subject=f"{run.name} ({run.id})",
        kind=Kind.STUCK,
        owner=UNOWNED,
        title=f"{run.name} is stuck: pending for {lasting((now - since).total_seconds())}",
        since=since,
        last=now,
        seen=(str(run.state.id),),
        run=str(run.id),
    )
    if store.about(incident.subject):
        return
    notice = Notice(
        Tone.LATE,
        incident.title,
        facts=(("Run", run.name), ("Pending since", at(since)), ("Work pool", run.work_pool_name or "none")),
        impact=("A worker accepted the run, but its process has not started. The worker's log says why.",),
        command=f"prefect flow-run cancel {run.id}",
        link=messages.link(run.id),
        owner=incident.owner,
        incident=incident.id,
    )
    store.keep(incident, notice)


def note_waiting(store: IncidentStore, client: SyncPrefectClient, run_id: UUID, *, reported: bool) -> None:
    """Open an incident if no worker takes the runs of a pool. `reported`: the server itself has sent a message."""
    run = _read(client, run_id)
    if run is None or run.expected_start_time is None:
        return
    pool, since = run.work_pool_name or "none", to_stdlib_datetime(run.expected_start_time)
    incident = Incident(
        subject=_POOL + pool,
        kind=Kind.WAITING,
        owner=UNOWNED,
        title=f"No worker picks up the runs of the work pool {pool}",
        since=since,
        last=since,
        seen=(str(run.id),),
        run=str(run.id),
    )
    if store.about(incident.subject):
        return
    notice = Notice(
        Tone.LATE,
        f"No worker picked up the runs of the work pool {pool}",
        facts=(("Run", run.name), ("Due", at(since))),
        impact=("The server could not send this message when it happened. A worker is running again.",),
        link=messages.link(run.id),
        owner=UNOWNED,
        incident=incident.id,
    )
    store.keep(incident, None if reported else notice)


def close_those_that_began(store: IncidentStore, client: SyncPrefectClient, now: datetime) -> None:
    """Close each incident whose run has started, or never will."""
    for incident in store.open:
        if incident.kind is Kind.STUCK and incident.run:
            run = _read(client, UUID(incident.run))
            state = run.state if run else None
            if state is None or not state.is_pending():
                ended = to_stdlib_datetime(state.timestamp) if state else now
                how = f"It is {state.name.lower()} now." if state and state.name else "It was deleted."
                store.close(incident, ended, messages.recovered(incident, ended, how))
        elif incident.kind is Kind.WAITING and not late_runs(client, incident.subject.removeprefix(_POOL), now):
            how = "A worker picks up its runs again. The late runs have started or finished."
            store.close(incident, now, messages.recovered(incident, now, how))


def late_runs(client: SyncPrefectClient, pool: str | None, now: datetime) -> Sequence[FlowRun]:
    """Return the runs of a pool (None: of any pool) that were due over a minute ago and wait for a worker."""
    due = FlowRunFilterExpectedStartTime(before_=now.astimezone(UTC) - _LATE)  # type: ignore[arg-type]
    late = FlowRunFilterState(name=FlowRunFilterStateName(any_=["Late"]))
    pools = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])) if pool else None
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=late, expected_start_time=due), work_pool_filter=pools, limit=PAGE
    )


def _read(client: SyncPrefectClient, run_id: UUID) -> FlowRun | None:
    try:
        return client.read_flow_run(run_id)
    except ObjectNotFound:
        return None
