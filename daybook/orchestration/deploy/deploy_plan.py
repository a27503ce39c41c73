"""Compare the deployments that a project declares with those that the server has."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
    FlowFilter,
    FlowFilterName,
)
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import Automation

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.registry import datasets
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.targets.project_target import Target, either_name
from daybook.errors import TableFileError
from daybook.model.dataset import Dataset
from daybook.orchestration.deploy.declared_tables import table_deployments
from daybook.orchestration.deploy.document import (
    PROJECT_TAG,
    Document,
    Settings,
    changes,
    document_of,
    document_on_server,
)
from daybook.orchestration.deploy.errors import DeployRefused
from daybook.orchestration.deploy.pauses import Pauses
from daybook.orchestration.deploy.project_deployments import project_deployments
from daybook.orchestration.deploy.wanted import Wanted, parameter_schema
from daybook.orchestration.deployments import automations_and_deployments, full_names
from daybook.orchestration.pagination import PAGE, every
from daybook.suggestions import did_you_mean


@dataclass(frozen=True)
class Update:
    """A deployment to update: the parts that differ, and the triggers that it has on the server."""

    wanted: Wanted
    document: Document
    found: DeploymentResponse
    parts: Sequence[str]
    automations: Sequence[Automation]


@dataclass
class Plan:
    """What a deploy would do. `left_alone` are deployments of other hands with a name that the project declares."""

    settings: Settings
    create: list[tuple[Wanted, Document]] = field(default_factory=list)
    update: list[Update] = field(default_factory=list)
    remove: list[tuple[str, DeploymentResponse, list[Automation]]] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)

    @property
    def changes_something(self) -> bool:
        """Return False if the server has exactly what the project declares."""
        return bool(self.create or self.update or self.remove)


def declared(project: ProjectFile, target: Target) -> list[Wanted]:
    """Return every deployment that the project declares in a target. Only some targets have schedules.

    Raises:
        TableFileError: files are invalid. One error lists them all: without one of them, its deployment would go. Or
            one waits for a table that has no file.
    """
    found, problems = datasets()
    if problems:
        raise TableFileError("\n".join(map(str, problems)))
    _check_awaited(found)
    tables = [one for one in found if isinstance(one, Table)]
    summaries = [one for one in found if isinstance(one, Summary)]
    wanted = [*table_deployments(project, tables), *project_deployments(project, summaries)]
    if not target.schedules:
        wanted = [replace(one, schedule=None, after=()) for one in wanted]
    return [replace(one, name=target.deployment_name(one.name)) for one in wanted]


def _check_awaited(found: Sequence[Dataset]) -> None:
    names = {one.name for one in found}
    for one in found:
        schedule = one.schedule if isinstance(one, Table | Summary) else None
        for awaited in schedule.after if schedule else ():
            if either_name(awaited) not in names:
                near = did_you_mean(awaited, names, "it has no file under tables/")
                raise TableFileError(f"{one.name}: schedule.after: unknown table {awaited!r}{near}")


def make_plan(client: SyncPrefectClient, wanted: Sequence[Wanted], settings: Settings) -> Plan:
    """Return the plan that makes the server's deployments of the project those of `wanted`.

    Raises:
        DeployRefused: another project has a deployment with one of these names.
    """
    plan, schema = Plan(settings), cache(parameter_schema)
    on_server = _on_server(client, wanted, settings.known_tags)
    pauses = Pauses.of(one for one in on_server.values() if settings.owns(one.tags))
    automations = _owned(client, settings.known_tags) if on_server else {}
    foreign = list[str]()
    for one in wanted:
        found = on_server.pop(one.full_name, None)
        one, document = pauses.kept(one, found), document_of(one, settings, schema(one.flow))
        if found is None:
            plan.create.append((one, document))
        elif not settings.owns(found.tags):
            other = next((tag.removeprefix(PROJECT_TAG) for tag in found.tags if tag.startswith(PROJECT_TAG)), None)
            (foreign.append(f"{one.full_name} ({other})") if other else plan.left_alone.append(one.full_name))
        else:
            own = automations.get(found.id, [])
            parts = changes(document, document_on_server(found, own))
            if any(settings.tag not in automation.tags for automation in own):
                parts = [*dict.fromkeys([*parts, "trigger"])]
            if parts:
                plan.update.append(Update(one, document, found, parts, own))
            else:
                plan.unchanged.append(one.full_name)
    if foreign:
        raise DeployRefused(
            f"the project {settings.project!r} would take over deployments of another project on this server: "
            f"{', '.join(foreign[:5])}{' …' if len(foreign) > 5 else ''}. If this project had that name, run `daybook "
            "deploy --renamed-from NAME`. Otherwise, use another Prefect server or workspace, or other names of tables"
        )
    for name, found in sorted(on_server.items()):
        if settings.owns(found.tags):
            plan.remove.append((name, found, automations.get(found.id, [])))
    return plan


def _on_server(client: SyncPrefectClient, wanted: Sequence[Wanted], tags: list[str]) -> dict[str, DeploymentResponse]:
    """Return the deployments with one of the project's tags, and those of other hands with a wanted name, by name."""
    found = _named(client, deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(any_=tags)))
    missing = sorted({one.name for one in wanted if one.full_name not in found})
    flows = FlowFilter(name=FlowFilterName(any_=sorted({one.flow_name for one in wanted})))
    for first in range(0, len(missing), PAGE):
        names = DeploymentFilterName(any_=missing[first : first + PAGE])
        found |= _named(client, deployment_filter=DeploymentFilter(name=names), flow_filter=flows)
    return found


def _named(client: SyncPrefectClient, **query: Any) -> dict[str, DeploymentResponse]:
    found = list(every(lambda offset: client.read_deployments(**query, limit=PAGE, offset=offset)))
    names = full_names(client, found)
    return {names[one.id]: one for one in found}


def _owned(client: SyncPrefectClient, tags: list[str]) -> dict[UUID, list[Automation]]:
    """Return the automations with one of the project's tags, by the ID of the deployment that they run."""
    found = dict[UUID, list[Automation]]()
    for one, deployments in automations_and_deployments(client):
        for id in () if set(tags).isdisjoint(one.tags) else deployments:
            found.setdefault(id, []).append(one)
    return found
