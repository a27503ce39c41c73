"""What a project has made on Prefect's server, and its removal."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
)
from prefect.client.schemas.objects import BlockDocument
from prefect.events.filters import AutomationFilter, AutomationFilterTags

from daybook.orchestration.automations.spec import PREFIX as AUTOMATION_PREFIX
from daybook.orchestration.automations.spec import TAG as AUTOMATION_TAG
from daybook.orchestration.deploy.document import PROJECT_TAG, TAG
from daybook.orchestration.pagination import PAGE, every


@dataclass(frozen=True, slots=True)
class Made:
    """An object on the server, and the call that deletes it."""

    kind: str
    name: str
    delete: Callable[[], object] = field(compare=False)


def made_by(client: SyncPrefectClient, project: str, blocks: Collection[str] = ()) -> list[Made]:
    """Return what the project has made on the server, in the order in which to delete it.

    Args:
        client: the server's client.
        project: the project's name. Deployments of another project stay.
        blocks: the blocks to delete, too, as people write them: `SqlAlchemyConnector/warehouse`.
    """
    return [*_automations(client), *_deployments(client, project), *_variables(client), *_blocks(client, blocks)]


def _automations(client: SyncPrefectClient) -> Iterator[Made]:
    tagged = AutomationFilter(tags=AutomationFilterTags(all_=[AUTOMATION_TAG]))
    for one in client.read_automations(automations=tagged, limit=PAGE):
        if one.name.startswith(AUTOMATION_PREFIX):
            yield Made("automation", one.name, partial(client.delete_automation, one.id))


def _deployments(client: SyncPrefectClient, project: str) -> Iterator[Made]:
    chosen = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    found = every(lambda offset: client.read_deployments(deployment_filter=chosen, limit=PAGE, offset=offset))
    for one in sorted(found, key=lambda one: one.name):
        of_projects = {tag for tag in one.tags if tag.startswith(PROJECT_TAG)}
        if not of_projects or f"{PROJECT_TAG}{project}" in of_projects:
            yield Made("deployment", one.name, partial(client.delete_deployment, one.id))


def _variables(client: SyncPrefectClient) -> Iterator[Made]:
    # The monitor keeps its notes in variables with the tag of the deployments.
    query = {"variables": {"tags": {"all_": [TAG]}}, "sort": "NAME_ASC", "limit": PAGE}
    for one in every(
        lambda offset: client.request("POST", "/variables/filter", json=query | {"offset": offset}).json()
    ):
        yield Made("variable", one["name"], partial(client.delete_variable_by_name, one["name"]))


def _blocks(client: SyncPrefectClient, names: Collection[str]) -> Iterator[Made]:
    wanted = {_slug(name): name for name in names}
    documents: list[BlockDocument] = list(every(lambda offset: client.read_block_documents(offset=offset, limit=PAGE)))
    for one in documents:
        kind = one.block_type.slug if one.block_type else ""
        if name := wanted.get(_slug(f"{kind}/{one.name}")):
            yield Made("block", name, partial(client.delete_block_document, one.id))


def _slug(block: str) -> str:
    """Return a name by which `S3Bucket/stage` and `s3-bucket/stage` are the same block."""
    kind, _, name = block.partition("/")
    return f"{kind.replace('-', '').lower()}/{name}"
