"""Prefect's server: version, clock, work pool, worker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import prefect
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.server.programs import program
from daybook.shell import command

SKEW = 5.0  # seconds; an interval may end up on the wrong side of midnight
RECENT = 60.0  # seconds; a worker sends a heartbeat every 30 s


def check_version(client: SyncPrefectClient) -> Iterator[Finding]:
    """Yield the server's version and the difference of its clock."""
    response = client.request("GET", "/admin/version")
    found, own = str(response.json()), prefect.__version__
    same = found.split(".")[:2] == own.split(".")[:2]
    yield Finding(
        "ok" if same else "warning",
        "Prefect server",
        f"version {found}" if same else f"version {found}, and this client has {own}",
        "" if same else f"install prefect=={found} here, or upgrade the server",
    )
    if sent := response.headers.get("date"):
        yield from clock("Prefect server", (parsedate_to_datetime(sent) - datetime.now(UTC)).total_seconds())


def clock(check: str, ahead: float) -> Iterator[Finding]:
    """Yield a warning if a clock is `ahead` of this machine's, or behind it, by more than five seconds."""
    if abs(ahead) > SKEW:
        side = "ahead of" if ahead > 0 else "behind"
        text = f"its clock is {abs(ahead):.0f} s {side} this machine's, so intervals end at different times"
        yield Finding("warning", check, text, "synchronize both clocks (NTP)")


def check_worker(client: SyncPrefectClient, name: str) -> Iterator[Finding]:
    """Yield whether the work pool `name` exists, is not paused, and has a worker that was seen in the last minute."""
    prefect_program, quoted = program("prefect"), command(name)
    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        make = f"{prefect_program} work-pool create {quoted} --type process"
        yield Finding("error", "work pool", f"there is no work pool {name!r}", make)
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
        yield Finding("error", "work pool", f"{name}: {ago}", f"{prefect_program} worker start --pool {quoted}")
