"""Runs that do not begin: one that is pending for very long, and those that no worker takes."""

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

from daybook.monitoring.incidents.impact import at, lasting
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.failures import UNOWNED
from daybook.orchestration.notifications.incident_store import IncidentStore

_POOL = "the work pool "  # and its name, which may have spaces
_LATE = timedelta(seconds=60)  # as long as a worker that polls may leave a run


def report_stuck_run(desk: IncidentStore, client: SyncPrefectClient, run_id: UUID, now: datetime) -> None:
    """A run has been handed to a worker, and has not begun."""
    run = _read(client, run_id)
    if run is None or run.state is None or not run.state.is_pending():
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
    if desk.about(incident.subject):
        return
    notice = Notice(
        Tone.LATE,
        incident.title,
        facts=(("Run", run.name), ("Pending since", at(since)), ("Work pool", run.work_pool_name or "none")),
        meanwhile=("A worker took it, and its process has not begun. The worker's log says why.",),
        command=f"prefect flow-run cancel {run.id}",
        link=messages.link(run.id),
        owner=incident.owner,
        incident=incident.id,
    )
    desk.keep(incident, notice)


def note_waiting(desk: IncidentStore, client: SyncPrefectClient, run_id: UUID, *, told: bool) -> None:
    """No worker took the runs of a pool: the server itself has said so (`told`), or could not."""
    run = _read(client, run_id)
    if run is None or run.expected_start_time is None:
        return
    pool, since = run.work_pool_name or "none", to_stdlib_datetime(run.expected_start_time)
    incident = Incident(
        subject=_POOL + pool,
        kind=Kind.WAITING,
        owner=UNOWNED,
        title=f"No worker takes the runs of the work pool {pool}",
        since=since,
        last=since,
        seen=(str(run.id),),
        run=str(run.id),
    )
    if desk.about(incident.subject):
        return
    notice = Notice(
        Tone.LATE,
        f"No worker took the runs of the work pool {pool}",
        facts=(("Run", run.name), ("Due", at(since))),
        meanwhile=("The server could not say so when it happened. A worker is there again.",),
        link=messages.link(run.id),
        owner=UNOWNED,
        incident=incident.id,
    )
    desk.keep(incident, None if told else notice)


def close_those_that_began(desk: IncidentStore, client: SyncPrefectClient, now: datetime) -> None:
    """Say of each that it has begun, or that it will not."""
    for incident in desk.open:
        if incident.kind is Kind.STUCK and incident.run:
            run = _read(client, UUID(incident.run))
            state = run.state if run else None
            if state is None or not state.is_pending():
                ended = to_stdlib_datetime(state.timestamp) if state else now
                how = f"It is {state.name.lower()} now." if state and state.name else "It was deleted."
                desk.close(incident, ended, messages.recovered(incident, ended, how))
        elif incident.kind is Kind.WAITING and not late_runs(client, incident.subject.removeprefix(_POOL), now):
            how = "A worker takes its runs again; what was late runs now, or has run."
            desk.close(incident, now, messages.recovered(incident, now, how))


def late_runs(client: SyncPrefectClient, pool: str | None, now: datetime) -> Sequence[FlowRun]:
    """The runs of a pool (None: of any) that should have begun more than a minute ago, and that nobody has taken."""
    due = FlowRunFilterExpectedStartTime(before_=now.astimezone(UTC) - _LATE)  # type: ignore[arg-type]
    late = FlowRunFilterState(name=FlowRunFilterStateName(any_=["Late"]))
    pools = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])) if pool else None
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=late, expected_start_time=due), work_pool_filter=pools, limit=200
    )


def _read(client: SyncPrefectClient, run_id: UUID) -> FlowRun | None:
    try:
        return client.read_flow_run(run_id)
    except ObjectNotFound:
        return None
