"""Create the deployments of the example's prefect.yaml through Prefect's client, in this process.

`prefect deploy` takes seconds to start and eight requests a deployment. Here, a deployment takes two requests. Its runs
always use the code in the project's folder, and the stack's work pool.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentScheduleUpdate, DeploymentUpdate
from prefect.client.schemas.objects import ConcurrencyOptions
from prefect.client.schemas.schedules import SCHEDULE_TYPES
from prefect.events import DeploymentTriggerTypes
from prefect.flows import load_flow_from_entrypoint
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from daybook.orchestration.local_stack.stack import WORK_POOL
from daybook.orchestration.pagination import PAGE, every

_TRIGGER: TypeAdapter[Any] = TypeAdapter(DeploymentTriggerTypes)
_SCHEDULE: TypeAdapter[Any] = TypeAdapter(SCHEDULE_TYPES)
#: Fields that Prefect's client takes as prefect.yaml has them.
_SAME = ("tags", "parameters", "paused", "version", "enforce_parameter_schema")


@dataclass(frozen=True)
class Declared:
    """A deployment of prefect.yaml, and its flow."""

    flow: Flow[..., Any]
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return the name of the deployment, without that of its flow."""
        return str(self.entry["name"])

    @property
    def full_name(self) -> str:
        """Return the name as people type it: `nps/daily`."""
        return f"{self.flow.name}/{self.name}"

    @property
    def starts_by_event(self) -> bool:
        """Return True if events start runs of it, such as the commit of a table."""
        return bool(self.entry.get("triggers"))


def read_deployments(root: Path) -> list[Declared]:
    """Return the deployments of `root`/prefect.yaml. Imports the modules of their flows."""
    entries = YAML(typ="safe").load(root / "prefect.yaml")["deployments"]
    return [Declared(_flow(root, str(entry["entrypoint"])), entry) for entry in entries]


def create_deployments(client: SyncPrefectClient, root: Path, declared: Sequence[Declared]) -> None:
    """Create these deployments, or update those that exist. A schedule that a person paused stays paused."""
    stored = _stored(client)
    flows = {name: client.create_flow_from_name(name) for name in {one.flow.name for one in declared}}
    for one in declared:
        fields = _fields(root, one)
        id, slugs = stored.get((flows[one.flow.name], one.name), (None, ()))
        if id is None:
            id = client.create_deployment(flows[one.flow.name], one.name, schedules=_new_schedules(one), **fields)
        else:
            client.update_deployment(id, DeploymentUpdate(schedules=_schedules(one, slugs), **fields))
            client.delete_resource_owned_automations(f"prefect.deployment.{id}")
        for number, trigger in enumerate(one.entry.get("triggers", ()), start=1):
            made = _TRIGGER.validate_python({"name": f"{one.name}__automation_{number}", **trigger})
            made.set_deployment_id(id)
            client.create_automation(made.as_automation())


def _flow(root: Path, entrypoint: str) -> Flow[..., Any]:
    path, colon, name = entrypoint.rpartition(":")
    # `flows/nps.py:nps` is a file of the project, and `daybook.flows.nps:nps` is a module
    absolute = f"{root / path}:{name}" if colon and path.endswith(".py") else entrypoint
    return cast(Flow[..., Any], load_flow_from_entrypoint(absolute))


def _stored(client: SyncPrefectClient) -> dict[tuple[UUID, str], tuple[UUID, Collection[str | None]]]:
    """Return the ID and the slugs of the schedules of each deployment, by the ID of its flow and its name."""
    found = every(lambda offset: client.read_deployments(limit=PAGE, offset=offset))
    return {(one.flow_id, one.name): (one.id, [schedule.slug for schedule in one.schedules]) for one in found}


def _fields(root: Path, one: Declared) -> dict[str, Any]:
    entry, limit = one.entry, one.entry.get("concurrency_limit")
    options = None
    if isinstance(limit, Mapping):
        options = ConcurrencyOptions(**{name: value for name, value in limit.items() if name != "limit"})
        limit = limit["limit"]
    return {name: entry[name] for name in _SAME if name in entry} | {
        "description": entry.get("description") or one.flow.description,
        "entrypoint": str(entry["entrypoint"]),
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(root)}}],
        "work_pool_name": WORK_POOL,
        "job_variables": entry.get("work_pool", {}).get("job_variables") or {},
        "concurrency_limit": limit,
        "concurrency_options": options,
        "parameter_openapi_schema": one.flow.parameters.model_dump(exclude_unset=True),
    }


def _new_schedules(one: Declared) -> list[DeploymentScheduleCreate]:
    return [
        DeploymentScheduleCreate(schedule=_schedule(each), slug=each.get("slug"), active=each.get("active", True))
        for each in one.entry.get("schedules", ())
    ]


def _schedules(one: Declared, stored: Collection[str | None]) -> list[DeploymentScheduleUpdate]:
    """Return the schedules of an update. One that the server has keeps its state, unless the file sets it."""
    return [
        DeploymentScheduleUpdate(
            schedule=_schedule(each),
            slug=each.get("slug"),
            **({"active": each.get("active", True)} if "active" in each or each.get("slug") not in stored else {}),
        )
        for each in one.entry.get("schedules", ())
    ]


def _schedule(entry: Mapping[str, Any]) -> SCHEDULE_TYPES:
    kept = {name: value for name, value in entry.items() if name not in ("slug", "active")}
    return cast(SCHEDULE_TYPES, _SCHEDULE.validate_python(kept))
