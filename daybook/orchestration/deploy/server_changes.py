"""Apply a plan to the server, several deployments at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Event
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.deploy.deploy_plan import Plan, Update
from daybook.orchestration.deploy.document import PROJECT_TAG, Document, trigger_of
from daybook.orchestration.deploy.errors import DeployStopped
from daybook.orchestration.deploy.wanted import Wanted

_AT_ONCE = 2  # a server on one file writes one at a time: with 8, 500 deployments take twice as long, and some fail


def ensure_work_pool(client: SyncPrefectClient, name: str) -> bool:
    """Create the work pool, of type process, if it is missing. Return True if it was created.

    An existing pool of any type stays as it is.
    """
    try:
        client.read_work_pool(name)
    except ObjectNotFound:
        from prefect.workers.process import ProcessWorker  # slow to import

        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))
        return True
    return False


class _Step(NamedTuple):
    name: str
    do: Callable[[], None]


def apply(client: SyncPrefectClient, plan: Plan) -> list[str]:
    """Create, update and remove the deployments of a plan. Return the problems: one line for each that failed.

    Raises:
        DeployStopped: the server stopped answering. The changes before that stay.
    """
    flows = {name: client.create_flow_from_name(name) for name in {one.flow_name for one, _ in plan.create}}
    steps, done, lost = list(_steps(client, plan, flows)), list[_Step](), list[Exception]()
    failed, stop = list[tuple[_Step, Exception]](), Event()

    def attempt(step: _Step) -> None:
        if stop.is_set():
            return
        try:
            step.do()
            done.append(step)
        except httpx.TransportError as error:  # Prefect's client has tried it several times
            stop.set()
            lost.append(error)
        except Exception as error:
            failed.append((step, error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            list(pool.map(attempt, steps))
        except BaseException:  # Ctrl-C: the steps that have not begun never do
            stop.set()
            raise
    again, failed = [step for step, _ in failed], []
    for step in again:  # once more, alone: the server's database may have been locked
        attempt(step)
    if lost:
        raise DeployStopped(
            f"the Prefect server stopped answering after {len(done)} of {len(steps)} changes: {_reason(lost[0])}. "
            "What is deployed stays. Run `daybook deploy` again: it continues with the rest"
        )
    return [f"{step.name}: {_reason(error)}" for step, error in failed]


def _steps(client: SyncPrefectClient, plan: Plan, flows: Mapping[str, UUID]) -> Iterator[_Step]:
    puts = [(one.wanted, partial(_update, client, one)) for one in plan.update]
    puts += [(one, partial(_create, client, flows[one.flow_name], one, document)) for one, document in plan.create]
    # Those that stay paused come first: after the removals, the server would not know any more that they were paused.
    yield from (_Step(one.full_name, do) for one, do in puts if one.schedule and one.schedule.stays_paused)
    # Removed first: a table that moved to another run must not be loaded by both.
    for name, found, automations in plan.remove:
        yield _Step(name, partial(_remove, client, found.id, automations))
    yield from (_Step(one.full_name, do) for one, do in puts if not (one.schedule and one.schedule.stays_paused))


def _create(client: SyncPrefectClient, flow_id: UUID, wanted: Wanted, document: Document) -> None:
    schedules = []
    if one := wanted.schedule:
        schedules = [DeploymentScheduleCreate(schedule=one.as_prefect(), slug=one.slug, active=one.active)]
    created = client.create_deployment(flow_id, wanted.name, schedules=schedules, **_fields(wanted, document))
    _put_trigger(client, created, wanted, (), document["tags"])


def _update(client: SyncPrefectClient, update: Update) -> None:
    """Update a deployment. Its schedule keeps its identity and, if a person paused it, its pause."""
    wanted, document, id = update.wanted, update.document, update.found.id
    kept = wanted.schedule.slug if wanted.schedule else None
    for stale in update.found.schedules:
        if stale.slug != kept:
            client.delete_deployment_schedule(id, stale.id)
    given: dict[str, Any] = {}
    if "schedule" in update.parts and (one := wanted.schedule):
        is_new = all(stored.slug != one.slug for stored in update.found.schedules)
        active = one.active if is_new else None
        given["schedules"] = [DeploymentScheduleUpdate(schedule=one.as_prefect(), slug=one.slug, active=active)]
    client.update_deployment(id, DeploymentUpdate(**_fields(wanted, document), **given))
    if "trigger" in update.parts:
        _put_trigger(client, id, wanted, update.automations, document["tags"])


def _remove(client: SyncPrefectClient, id: UUID, automations: Sequence[Automation]) -> None:
    for one in automations:
        client.delete_automation(one.id)
    with suppress(ObjectNotFound):  # a person has deleted it
        client.delete_deployment(id)


def _put_trigger(
    client: SyncPrefectClient, id: UUID, wanted: Wanted, stored: Sequence[Automation], tags: Sequence[str]
) -> None:
    """Replace the automations of a deployment. One that a person switched off stays off."""
    for one in stored:
        client.delete_automation(one.id)
    if trigger := trigger_of(wanted):
        client.create_automation(
            AutomationCore(
                name=f"{wanted.full_name} {wanted.starts}"[:200],
                description=f"Starts {wanted.full_name} when the tables that it waits for are loaded.",
                tags=[tag for tag in tags if tag.startswith(PROJECT_TAG)],
                enabled=all(one.enabled for one in stored),
                trigger=trigger,
                actions=[RunDeployment(source="selected", deployment_id=id, parameters=None, job_variables=None)],
                owner_resource=f"prefect.deployment.{id}",
            )
        )


def _fields(wanted: Wanted, document: Document) -> dict[str, Any]:
    """Return the fields that Prefect takes both for a new deployment and for an update.

    A run that finds no slot waits: its scheduled time already fixed its interval. `enforce_parameter_schema` is left
    out: its default is True. Prefect's server checks the same form again with each deployment that names it, which is
    a fifth of the time that it needs for one.
    """
    enqueue = ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    return {
        "description": document["description"],
        "tags": document["tags"],
        "parameters": document["parameters"],
        "entrypoint": document["entrypoint"],
        "pull_steps": document["pull steps"],
        "job_variables": document["environment"],
        "work_pool_name": document["work pool"],
        "concurrency_limit": wanted.limit,
        "concurrency_options": enqueue if wanted.limit else None,
        "parameter_openapi_schema": document["form"],
    }


def _reason(error: BaseException) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        try:
            return f"the server answers {error.response.status_code}: {error.response.json().get('detail')}"
        except ValueError:
            return f"the server answers {error.response.status_code}"
    return f"{type(error).__name__}: {error}"
