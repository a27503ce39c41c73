"""Decide whether the first load of a table is overdue. Only a schedule or a trigger makes Daybook expect a first load.

A table file alone is no promise: it may be an example, or a table that nobody has deployed yet. Once a table was
loaded, it is expected to stay up to date, also while its schedule is paused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

from daybook.definitions.targets.project_target import current_target
from daybook.ledger.ledger import Ledger
from daybook.model.dataset import Dataset
from daybook.monitoring.deadlines import Deadlines, start_of
from daybook.monitoring.freshness import Freshness, State
from daybook.orchestration.deployments import automations_and_deployments
from daybook.orchestration.pagination import PAGE, every
from daybook.warehouses.base import Warehouse

_FAILURES = [StateType.FAILED, StateType.CRASHED]
_LOAD_NOTHING = ["backfill", "reconcile"]  # flows whose deployments have a table's tag, but do not load its new data


def deployments_that_start(client: SyncPrefectClient, tables: Collection[str]) -> dict[str, list[UUID]]:
    """Return, by table, the deployments with its tag that start without a person: by a schedule or a trigger.

    Tables without such a deployment are left out. Paused schedules and disabled automations do not count.
    """
    wanted, found = sorted(tables), list[DeploymentResponse]()
    others = {one.id for one in client.read_flows(flow_filter=FlowFilter(name=FlowFilterName(any_=_LOAD_NOTHING)))}
    for first in range(0, len(wanted), PAGE):
        tagged = DeploymentFilter(tags=DeploymentFilterTags(any_=wanted[first : first + PAGE]))
        found += every(partial(_page, client, tagged))
    found = [one for one in found if one.flow_id not in others and not one.paused]
    found = [one for one in found if current_target().owns(one.tags)]
    by_schedule = {one.id for one in found if any(schedule.active for schedule in one.schedules)}
    started = by_schedule | (_triggered(client) if len(by_schedule) < len(found) else set())
    names = set(wanted)
    result = dict[str, list[UUID]]()
    for one in found:
        if one.id in started:
            for table in names.intersection(one.tags):
                result.setdefault(table, []).append(one.id)
    return result


def never_loaded(warehouse: Warehouse, table: str) -> bool:
    """Return True if the ledger has no load of the table."""
    with warehouse.session() as session:
        return not Ledger(warehouse).ends(session, [table])


def last_run_failed(client: SyncPrefectClient, deployments: Sequence[UUID]) -> bool:
    """Return True if the newest run of these deployments that has ended did not complete."""
    ended = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED, *_FAILURES]))
    chosen = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=list(deployments)), state=ended)
    runs = client.read_flow_runs(flow_run_filter=chosen, sort=FlowRunSort.END_TIME_DESC, limit=1)
    return any(run.state_type in _FAILURES for run in runs)


def with_expected_first_loads(
    client: SyncPrefectClient, datasets: Sequence[Dataset], found: Sequence[Freshness], now: datetime
) -> list[Freshness]:
    """Return the freshness of all tables, in which a table that was never loaded is late only if a load was expected.

    It is late from the first deadline after the first run of a deployment that starts without a person. A table of
    which no such run has been due yet is not late.
    """
    overdue = {one.table for one in found if one.state is State.NEVER and one.is_late}
    if not overdue:
        return list(found)
    starting = deployments_that_start(client, overdue)
    files = {dataset.name: dataset for dataset in datasets}
    return [_expected(client, files[one.table], one, starting, now) if one.table in overdue else one for one in found]


def _expected(
    client: SyncPrefectClient,
    dataset: Dataset,
    freshness: Freshness,
    starting: Mapping[str, Sequence[UUID]],
    now: datetime,
) -> Freshness:
    first, begin = _first_run(client, starting.get(dataset.name, ()), now), start_of(dataset)
    if first and begin:
        # The oldest interval may have been due years ago. The first deadline that can be met follows the first run.
        since = next(Deadlines(dataset, begin).coming(first)).due_at
        if since <= now:
            return replace(freshness, since=since)
    return replace(freshness, since=None, due_at=None, label="")


def _first_run(client: SyncPrefectClient, deployments: Sequence[UUID], now: datetime) -> datetime | None:
    """Return when the first run of these deployments was due, or None if none was."""
    if not deployments:
        return None
    chosen = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=list(deployments)),
        expected_start_time=FlowRunFilterExpectedStartTime(before_=now),  # type: ignore[arg-type]
    )
    runs = client.read_flow_runs(flow_run_filter=chosen, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=1)
    return runs[0].expected_start_time if runs else None


def _page(client: SyncPrefectClient, chosen: DeploymentFilter, offset: int) -> list[DeploymentResponse]:
    return client.read_deployments(deployment_filter=chosen, limit=PAGE, offset=offset)


def _triggered(client: SyncPrefectClient) -> set[UUID]:
    """Return the deployments that an enabled automation runs."""
    return {id for one, deployments in automations_and_deployments(client) if one.enabled for id in deployments}
