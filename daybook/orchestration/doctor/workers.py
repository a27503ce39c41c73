"""Prefect's server: version, clock, work pool, worker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import prefect
from packaging.version import Version
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import WorkPoolStatus
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.compatibility import NEWEST_PREFECT, OLDEST_PREFECT, STOPS_BEFORE, install_command
from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.pagination import PAGE
from daybook.orchestration.server.programs import program
from daybook.project import PROJECT_FILE
from daybook.shell import command

SKEW = 5.0  # seconds; an interval may end up on the wrong side of midnight
RECENT = 60.0  # seconds; a worker sends a heartbeat every 30 s


def check_version(client: SyncPrefectClient) -> Iterator[Finding]:
    """Yield the server's version and the difference of its clock."""
    response = client.request("GET", "/admin/version")
    yield compared(str(response.json()), prefect.__version__)
    if sent := response.headers.get("date"):
        yield from clock("Prefect server", (parsedate_to_datetime(sent) - datetime.now(UTC)).total_seconds())


def compared(server: str, client: str) -> Finding:
    """Return whether the server's version of Prefect fits that of this client, and is one that Daybook supports."""
    found, own = Version(server), Version(client)
    oldest, newest = Version(OLDEST_PREFECT), Version(NEWEST_PREFECT)
    supported = f"{oldest.major}.{oldest.minor} to {newest.major}.{newest.minor}"

    def upgrade(least: str) -> str:
        return f"on the server's machine: pip install 'prefect>={least},<{newest.major}.{newest.minor + 1}'"

    remedy = upgrade(f"{oldest.major}.{oldest.minor}")
    if found.release[:2] < oldest.release[:2] or found.major > newest.major:
        size = "old" if found < oldest else "new"
        text = f"version {server} is too {size}: Daybook supports {supported}"
        return Finding("error", "Prefect server", text, remedy)
    if found.release[:2] > newest.release[:2]:
        text = f"version {server} is newer than those that Daybook was tested with, {supported}"
        return Finding("warning", "Prefect server", text, remedy)
    if found.release[:2] < own.release[:2]:
        text = f"version {server} is older than this client's {client}, which may send what it does not know"
        return Finding("warning", "Prefect server", text, f"here: {install_command(server)}; or upgrade the server")
    if found < Version(STOPS_BEFORE):
        when = "an automation is created or changed, if its database is a file"
        text = f"version {server} may stop answering when {when}"
        return Finding("warning", "Prefect server", text, upgrade(STOPS_BEFORE))
    return Finding("ok", "Prefect server", f"version {server}")


def clock(check: str, ahead: float) -> Iterator[Finding]:
    """Yield a warning if a clock is `ahead` of this machine's, or behind it, by more than five seconds."""
    if abs(ahead) > SKEW:
        side = "ahead of" if ahead > 0 else "behind"
        text = f"its clock is {abs(ahead):.0f} s {side} this machine's, so intervals end at different times"
        yield Finding("warning", check, text, "synchronize both clocks (NTP)")


def check_schedules(client: SyncPrefectClient) -> Iterator[Finding]:
    """Yield whether the server creates the runs of the target's schedules. A server may stop to do so in silence."""
    from daybook.orchestration.notifications.detect.scheduler_health import find_problem  # imports Prefect's server

    problem = find_problem(client, datetime.now(UTC))
    if problem:
        yield Finding(
            "error", "schedules", f"{problem.title}, since {problem.since:%Y-%m-%d %H:%M} UTC", problem.causes[0]
        )
    else:
        yield Finding("ok", "schedules", "every active schedule has upcoming runs")


def check_worker(client: SyncPrefectClient, name: str) -> Iterator[Finding]:
    """Yield whether the work pool `name` exists, is not paused, and has a worker that was seen in the last minute."""
    prefect_program, quoted = program("prefect"), command(name)
    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        make = f"{prefect_program} work-pool create {quoted} --type process"
        others, instead = _busy_pools(client, name)
        yield Finding("error", "work pool", f"there is no work pool {name!r}{others}", make + instead)
        return
    if pool.is_paused:
        yield Finding(
            "error", "work pool", f"{name} is paused: no run starts", f"{prefect_program} work-pool resume {quoted}"
        )
    if pool.is_push_pool or pool.is_managed_pool:
        yield Finding("ok", "work pool", f"{name} ({pool.type}) needs no worker")
        return
    answer = client.request(
        "POST", "/work_pools/{work_pool_name}/workers/filter", path_params={"work_pool_name": name}, json={}
    )
    seen = [datetime.fromisoformat(one["last_heartbeat_time"]) for one in answer.json() if one["last_heartbeat_time"]]
    age = (datetime.now(UTC) - max(seen)).total_seconds() if seen else None
    if age is not None and age <= RECENT:
        yield Finding("ok", "work pool", f"{name} ({pool.type}): a worker was seen {age:.0f} s ago")
    else:
        ago = "no worker was ever seen" if age is None else f"the last worker was seen {age / 60:,.0f} min ago"
        others, instead = _busy_pools(client, name)
        start = f"{prefect_program} worker start --pool {quoted}"
        yield Finding("error", "work pool", f"{name}: {ago}{others}", start + instead)


def _busy_pools(client: SyncPrefectClient, name: str) -> tuple[str, str]:
    """Return the other pools that have a worker, as a text and as another remedy. Both are empty if there is none."""
    pools = client.read_work_pools(limit=PAGE)
    busy = sorted(pool.name for pool in pools if pool.name != name and pool.status == WorkPoolStatus.READY)
    if not busy:
        return "", ""
    verb = "has" if len(busy) == 1 else "have"
    return f"; {', '.join(busy)} {verb} a worker", f", or set work_pool: {busy[0]} in {PROJECT_FILE}"
