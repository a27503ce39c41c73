"""What a project has made on Prefect's server, and its removal."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
)
from prefect.client.schemas.objects import BlockDocument
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.filters import AutomationFilter, AutomationFilterTags

from daybook.definitions.targets.project_target import Target
from daybook.orchestration.automations.spec import PREFIX as AUTOMATION_PREFIX
from daybook.orchestration.automations.spec import TAG as AUTOMATION_TAG
from daybook.orchestration.deploy.document import PROJECT_TAG, TAG
from daybook.orchestration.deployments import automations_and_deployments, full_names
from daybook.orchestration.pagination import PAGE, every


@dataclass(frozen=True, slots=True)
class Made:
    """An object on the server, and the call that deletes it."""

    kind: str
    name: str
    delete: Callable[[], object] = field(compare=False)


def made_by(
    client: SyncPrefectClient,
    project: str,
    targets: Sequence[Target],
    blocks: Collection[str] = (),
    kept: Sequence[Target] = (),
) -> list[Made]:
    """Return what the project has made on the server in these targets, in the order in which to delete it.

    Args:
        client: the server's client.
        project: the project's name. Deployments of another project stay.
        targets: the targets. Daybook's own automations are prod's.
        blocks: the blocks to delete, too, with their names in prod: `SqlAlchemyConnector/warehouse`.
        kept: the project's other targets. A block that one of them uses stays.
    """
    deployments = list(_deployments(client, project, targets))
    found = [*triggers_of(client, {one.id for one in deployments})]
    if any(target.is_prod for target in targets):
        found += _automations(client)
    names = full_names(client, deployments)
    found += [Made("deployment", names[one.id], partial(client.delete_deployment, one.id)) for one in deployments]
    used = {_placed(block, target) for target in kept for block in blocks}
    chosen = {_placed(block, target) for target in targets for block in blocks} - used
    return [*found, *_variables(client, targets), *_blocks(client, chosen)]


def _automations(client: SyncPrefectClient) -> Iterator[Made]:
    tagged = AutomationFilter(tags=AutomationFilterTags(all_=[AUTOMATION_TAG]))
    for one in client.read_automations(automations=tagged, limit=PAGE):
        if one.name.startswith(AUTOMATION_PREFIX):
            yield Made("automation", one.name, partial(client.delete_automation, one.id))


def triggers_of(client: SyncPrefectClient, deployments: Collection[UUID]) -> Iterator[Made]:
    """Yield the triggers of deployments. Prefect keeps them when it deletes a deployment."""
    for one, runs in automations_and_deployments(client):
        if any(tag.startswith(PROJECT_TAG) for tag in one.tags) and not runs.isdisjoint(deployments):
            yield Made("automation", one.name, partial(client.delete_automation, one.id))


def _deployments(client: SyncPrefectClient, project: str, targets: Sequence[Target]) -> list[DeploymentResponse]:
    chosen = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    found = every(lambda offset: client.read_deployments(deployment_filter=chosen, limit=PAGE, offset=offset))
    return [one for one in sorted(found, key=lambda one: one.name) if _is_of(one.tags, project, targets)]


def _is_of(tags: Collection[str], project: str, targets: Sequence[Target]) -> bool:
    of_projects = {tag.removeprefix(PROJECT_TAG).partition("@")[0] for tag in tags if tag.startswith(PROJECT_TAG)}
    return (not of_projects or project in of_projects) and any(target.owns(tags) for target in targets)


def _variables(client: SyncPrefectClient, targets: Sequence[Target]) -> Iterator[Made]:
    # The monitor keeps its notes in variables with the tags of the deployments.
    query = {"variables": {"tags": {"all_": [TAG]}}, "sort": "NAME_ASC", "limit": PAGE}
    for one in every(
        lambda offset: client.request("POST", "/variables/filter", json=query | {"offset": offset}).json()
    ):
        if any(target.owns(one["tags"]) for target in targets):
            yield Made("variable", one["name"], partial(client.delete_variable_by_name, one["name"]))


def _blocks(client: SyncPrefectClient, names: Collection[str]) -> Iterator[Made]:
    wanted = {_slug(name): name for name in names}
    documents: list[BlockDocument] = list(every(lambda offset: client.read_block_documents(offset=offset, limit=PAGE)))
    for one in documents:
        kind = one.block_type.slug if one.block_type else ""
        if name := wanted.get(_slug(f"{kind}/{one.name}")):
            yield Made("block", name, partial(client.delete_block_document, one.id))


def _placed(block: str, target: Target) -> str:
    """Return the target's block for `SqlAlchemyConnector/warehouse`."""
    kind, _, name = block.partition("/")
    return f"{kind}/{target.block(name)}"


def _slug(block: str) -> str:
    """Return a name by which `S3Bucket/stage` and `s3-bucket/stage` are the same block."""
    kind, _, name = block.partition("/")
    return f"{kind.replace('-', '').lower()}/{name}"
