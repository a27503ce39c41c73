"""List what runs by itself on the server, and what is paused. `make deploy` ends with it."""

from collections.abc import Iterator, Sequence

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, FlowFilter, FlowFilterId
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule

from daybook.orchestration.deploy.document import TAG
from daybook.orchestration.pagination import PAGE, every
from daybook.shell import command

#: The one example whose schedule is on: it needs prod.nps.
EXAMPLE = "nps/daily"


def lines(client: SyncPrefectClient) -> Iterator[str]:
    """Yield a line about the active schedules of Daybook's deployments, and one about the paused ones."""
    tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    found = [
        one
        for one in every(lambda at: client.read_deployments(deployment_filter=tagged, limit=PAGE, offset=at))
        if one.schedules
    ]
    flows = {one.flow_id for one in found}
    names = {
        flow.id: flow.name
        for flow in client.read_flows(flow_filter=FlowFilter(id=FlowFilterId(any_=sorted(flows))), limit=PAGE)
    }
    active, paused = list[str](), list[str]()
    for one in found:
        name, times = f"{names[one.flow_id]}/{one.name}", _active_times(one)
        if times:
            active.append(f"{name} ({', '.join(times)})")
        else:
            paused.append(name)
    yield f"Scheduled: {_listed(active)}"
    if paused:
        yield f"Paused: {_listed(paused)}. prefect.yaml says how to switch one on"
    if any(one.startswith(f"{EXAMPLE} ") for one in active):
        pause = command("prefect", "deployment", "schedule", "pause", EXAMPLE, "--all")
        yield f"{EXAMPLE} loads prod.nps of your block production. If you have no such table, pause it: {pause}"


def _active_times(deployment: DeploymentResponse) -> list[str]:
    if deployment.paused:
        return []
    return [_text(one.schedule) for one in deployment.schedules if one.active]


def _text(schedule: object) -> str:
    if not isinstance(schedule, CronSchedule):
        return str(getattr(schedule, "interval", schedule))
    return schedule.cron if schedule.timezone in (None, "UTC") else f"{schedule.cron} {schedule.timezone}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
