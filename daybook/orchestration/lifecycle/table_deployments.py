"""The deployments and the running loads of one table on Prefect's server."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType

from daybook.definitions.targets.project_target import current_target
from daybook.orchestration.deployments import full_name
from daybook.orchestration.pagination import PAGE, every


@dataclass(frozen=True, slots=True)
class TableDeployment:
    """A deployment that has the table's tag. `alone` is True if it concerns no other table."""

    id: UUID
    name: str
    alone: bool


def running_loads(client: SyncPrefectClient, table: str | None = None) -> list[str]:
    """Return the names of the flow runs that run now: those of the target with the table's tag.

    Without a table, return all runs of all targets.
    """
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.CANCELLING]))
    chosen = FlowRunFilter(tags=FlowRunFilterTags(all_=[table]) if table else None, state=states)
    found = every(lambda offset: client.read_flow_runs(flow_run_filter=chosen, limit=PAGE, offset=offset))
    return [run.name for run in found if table is None or current_target().owns(run.tags)]


def deployments_of(client: SyncPrefectClient, table: str, tables: Sequence[str]) -> list[TableDeployment]:
    """Return the target's deployments with the tag of `table`. `tables` are all tables, to recognize shared runs."""
    tagged = client.read_deployments(
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[table])), limit=PAGE
    )
    own = [one for one in tagged if current_target().owns(one.tags)]
    others = set(tables) - {table}
    found = [TableDeployment(one.id, full_name(client, one), others.isdisjoint(one.tags)) for one in own]
    return sorted(found, key=lambda one: one.name)
