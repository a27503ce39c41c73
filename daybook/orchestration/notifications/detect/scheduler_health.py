"""Detect that Prefect has stopped scheduling runs. No run fails in that case, because no run exists.

Once a minute, Prefect's scheduler makes sure that each schedule has at least three runs and one hour of runs ahead. If
a schedule lacks one of them some minutes later, the scheduler has stopped. The runs that it created before still start,
including those of the monitor, which leaves most of an hour to report it. Ticks in the past must have a run, too. A
past tick without a run is ignored if later ticks have runs (the server was off, or a person deleted the run):
`catch_up` loads what that run missed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowFilter,
    FlowFilterId,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import DeploymentSchedule, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.utilities.asyncutils import run_coro_as_sync
from pydantic import BaseModel, TypeAdapter

from daybook.definitions.targets.project_target import current_target
from daybook.monitoring.incidents.impact import at
from daybook.orchestration.notifications.detect.failed_runs import MONITORS, OURS
from daybook.orchestration.pagination import PAGE, every

_BACK = timedelta(hours=3)  # how far back to look for the first tick without a run
_SETTLED = timedelta(minutes=5)  # a working scheduler creates the runs within this time
_SILENT = timedelta(minutes=45)  # three passes of the monitor
_DEPLOYMENTS_SHOWN = 8  # deployments in a message

_OFF = (
    "Its scheduler is off: set PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED=true where the server runs, and restart the "
    "server.",
)
_STOPPED = (
    "SQLAlchemy 2.1 or newer is installed with Prefect 3.8: the server then creates no runs, and only its log says so. "
    "Run pip install 'sqlalchemy>=2.0,<2.1' there, and restart the server.",
    "The scheduler runs as a separate process (prefect server services start) and has stopped: restart it.",
    "The server's database is full or locked: see the server's log.",
)
_FAULTY = (
    "The server cannot create runs of these deployments: its log has `Error scheduling deployment` and why. Correct "
    "them, and deploy again.",
)
_NO_WORKER = (
    "Its runs wait for a worker: start one (prefect worker start --pool daybook), and resume the pool if it is paused.",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with Prefect's scheduling. Instants are in UTC."""

    title: str
    """`Prefect schedules no runs: nps/daily, summaries/daily`."""
    since: datetime
    """The first tick without a run, which may be in the future, or the last time that the monitor ran."""
    deployments: tuple[str, ...]
    """The names of all affected deployments."""
    causes: tuple[str, ...]
    """The likely causes, each with its remedy."""


class Scheduler(BaseModel):
    """The settings of the server's scheduler. If the server does not show them (Prefect Cloud), Prefect's defaults."""

    enabled: bool = True
    min_runs: int = 3
    min_scheduled_time: timedelta = timedelta(hours=1)
    max_scheduled_time: timedelta = timedelta(days=100)


def find_problem(client: SyncPrefectClient, now: datetime) -> Problem | None:
    """Return the problem with the schedules of this target's deployments at `now`, or None.

    Ignores deployments and schedules that are paused, or that were created or changed some minutes ago: the scheduler
    may not have handled them yet.
    """
    deployments = {one.id: one for one in _deployments(client) if not one.paused and _active(one)}
    if not deployments:
        return None
    scheduler, runs, missing = _scheduler(client), _runs(client, deployments, now - _BACK), dict[UUID, datetime]()
    for id, deployment in deployments.items():
        firsts = [_missing(deployment, schedule, runs[id], scheduler, now) for schedule in _active(deployment)]
        if found := [first for first in firsts if first]:
            missing[id] = min(found)
    if missing:
        stopped = missing.keys() == deployments.keys()
        names = _names(client, [deployments[id] for id in missing])
        title = "Prefect schedules no runs" if stopped else "Prefect schedules no runs for some deployments"
        return Problem(f"{title}: {_listed(names)}", min(missing.values()), names, causes(scheduler, stopped))
    return _silence(client, [one for one in deployments.values() if MONITORS in one.tags], now)


def causes(scheduler: Scheduler, stopped: bool) -> tuple[str, ...]:
    """Return the likely causes. `stopped` says whether all schedules lack runs, or only some.

    After a scheduler stops, the most frequent schedules lack a run first, so "only some" rules out no cause.
    """
    if not scheduler.enabled:
        return _OFF
    return _STOPPED if stopped else (*_STOPPED, *_FAULTY)


def first_missing(ticks: Sequence[datetime], runs: Collection[datetime]) -> datetime | None:
    """Return the first of the sorted `ticks` after the last one that has a run, or None if the last one has a run."""
    lacking = list(takewhile(lambda tick: tick not in runs, reversed(ticks)))
    return lacking[-1] if lacking else None


def ticks(schedule: DeploymentSchedule, since: datetime, scheduler: Scheduler, now: datetime) -> list[datetime]:
    """Return the sorted ticks that must have a run at `now`, of a schedule that was last changed at `since`."""
    from prefect.server.schemas.schedules import SCHEDULE_TYPES  # only these can compute ticks

    settled, first = now - _SETTLED, max(now - _BACK, since + _SETTLED)
    if first > now:
        return []
    known = TypeAdapter[SCHEDULE_TYPES](SCHEDULE_TYPES).validate_python(schedule.schedule.model_dump())
    following = run_coro_as_sync(known.get_dates(n=scheduler.min_runs, start=settled)) or []
    until = max([settled + scheduler.min_scheduled_time, *following])
    until = min(until, settled + scheduler.max_scheduled_time)
    return list(run_coro_as_sync(known.get_dates(start=first, end=until)) or [])


def _missing(
    deployment: DeploymentResponse,
    schedule: DeploymentSchedule,
    runs: Collection[datetime],
    scheduler: Scheduler,
    now: datetime,
) -> datetime | None:
    changes = [deployment.created, deployment.updated, schedule.created, schedule.updated]
    since = max(change for change in changes if change)
    return first_missing(ticks(schedule, since, scheduler, now), runs)


def _silence(client: SyncPrefectClient, monitors: Sequence[DeploymentResponse], now: datetime) -> Problem | None:
    """Return a problem if the monitor has not run on schedule for too long, or None."""
    known = [one for one in monitors if one.created and one.created < now - _SILENT]
    if not known:
        return None
    running = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.COMPLETED])
    of_them = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[one.id for one in known]), state=FlowRunFilterState(type=running)
    )
    newest = client.read_flow_runs(flow_run_filter=of_them, sort=FlowRunSort.START_TIME_DESC, limit=1)
    last = max((run.start_time for run in newest if run.start_time), default=None)
    if last and last >= now - _SILENT:
        return None
    when = f"since {at(last)}" if last else "yet"
    since = last or min(one.created for one in known if one.created)
    return Problem(f"The monitor has not run on schedule {when}", since, _names(client, known), _NO_WORKER)


def _deployments(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    ours = DeploymentFilter(tags=DeploymentFilterTags(any_=[OURS, MONITORS]))
    found = every(lambda offset: client.read_deployments(deployment_filter=ours, limit=PAGE, offset=offset))
    return (one for one in found if current_target().owns(one.tags))


def _runs(client: SyncPrefectClient, ids: Iterable[UUID], after: datetime) -> Mapping[UUID, set[datetime]]:
    """Return the ticks for which each of these deployments has a run, in any state."""
    found: dict[UUID, set[datetime]] = {id: set() for id in ids}
    since = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=list(found)),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=after),  # type: ignore[arg-type]
    )
    sort = FlowRunSort.EXPECTED_START_TIME_ASC
    for run in every(lambda offset: client.read_flow_runs(flow_run_filter=since, sort=sort, limit=PAGE, offset=offset)):
        if run.deployment_id and run.expected_start_time:
            found[run.deployment_id].add(run.expected_start_time)
    return found


def _scheduler(client: SyncPrefectClient) -> Scheduler:
    try:
        settings = client.request("GET", "/admin/settings").json()
        return Scheduler.model_validate(settings["server"]["services"]["scheduler"])
    except (httpx.HTTPStatusError, ValueError, LookupError, TypeError):
        return Scheduler()


def _active(deployment: DeploymentResponse) -> list[DeploymentSchedule]:
    return [schedule for schedule in deployment.schedules if schedule.active]


def _names(client: SyncPrefectClient, deployments: Sequence[DeploymentResponse]) -> tuple[str, ...]:
    ids = FlowFilterId(any_=list({one.flow_id for one in deployments}))
    flows = {flow.id: flow.name for flow in client.read_flows(flow_filter=FlowFilter(id=ids), limit=PAGE)}
    return tuple(sorted(f"{flows.get(one.flow_id, '?')}/{one.name}" for one in deployments))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _DEPLOYMENTS_SHOWN} more" if len(names) > _DEPLOYMENTS_SHOWN else ""
    return ", ".join(names[:_DEPLOYMENTS_SHOWN]) + more
