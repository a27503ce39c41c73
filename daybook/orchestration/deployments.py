"""Find deployments on Prefect's server that load a table or that automations start, and write commands that run one."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, FlowFilter, FlowFilterId
from prefect.client.schemas.responses import DeploymentResponse
from prefect.context import FlowRunContext
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import Automation
from prefect.exceptions import ObjectNotFound

from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table, table_names
from daybook.definitions.targets.project_target import TAG, current_target, either_name
from daybook.errors import BackfillRefused
from daybook.load.planning.scattered import INTERVALS
from daybook.orchestration.pagination import PAGE, every
from daybook.orchestration.server.programs import deploy_command, program
from daybook.redaction import without_secrets
from daybook.shell import command
from daybook.suggestions import did_you_mean, in_full

#: The parameters that a flow needs to load a range.
RANGE = {"execution_date", "until"}
_SHOWN = 12  # deployments in an error


@dataclass(frozen=True, slots=True)
class LoadingDeployment:
    """A deployment, the table that it loads, and how many of its runs may be active at once (None: any number)."""

    id: UUID
    name: str
    table: Table
    limit: int | None
    parameter_names: frozenset[str]
    parameters: dict[str, Any] = field(default_factory=dict)
    """The parameters of every run, in addition to its dates."""

    @property
    def takes_scattered(self) -> bool:
        """Return True if one run can load intervals that are not neighbours."""
        return INTERVALS in self.parameter_names

    def with_parameters(self, parameters: dict[str, Any]) -> "LoadingDeployment":
        """Return this deployment with more parameters for each run.

        Raises:
            BackfillRefused: the flow does not take one of them, or a backfill sets it itself.
        """
        for name in parameters:
            if name in RANGE or name in ("full_refresh", INTERVALS):
                raise BackfillRefused(
                    f"parameters: {name} is set by the backfill for each of its runs: leave it out, and choose the "
                    "range with start and end"
                )
            if name not in self.parameter_names:
                takes = f"it takes {', '.join(sorted(self.parameter_names))}"
                near = did_you_mean(name, self.parameter_names, takes)
                raise BackfillRefused(f"parameters: the flow of {self.name} has no {name!r}{near}")
        return replace(self, parameters=self.parameters | parameters)


def find_deployment(
    client: SyncPrefectClient, name: str, parameters: dict[str, Any] | None = None
) -> LoadingDeployment:
    """Return the deployment `name` (`flow/cadence`), with `parameters` for each of its runs.

    Its table is that of the flow's parameter `table` or `tables`, or the one that its tags name.

    Raises:
        BackfillRefused: the deployment does not exist, does not load a single table, or always loads a table whole.
    """
    given = dict(parameters or {})
    try:
        deployment = client.read_deployment_by_name(name)
    except (ObjectNotFound, ValueError):
        raise BackfillRefused(f"there is no deployment {name!r}{_instead(client, name)}") from None
    target = current_target()
    if not target.owns(deployment.tags):
        raise BackfillRefused(
            f"{name} is not a deployment of target {target.name}, so it would load the tables of another one: name a "
            + (f"deployment with the tag {target.tags[0]}" if target.tags else f"deployment without a tag {TAG}…")
            + ", or add --target"
        )
    taken = parameter_names(deployment)
    if not taken >= RANGE:
        raise BackfillRefused(f"{name} loads no intervals: its flow has no parameters execution_date and until")
    several = _several(given) or _several(deployment.parameters)
    if len(several) > 1:
        raise BackfillRefused(
            f"{name} loads {len(several)} tables in one run, and a backfill loads one table: name the deployment of "
            f"that table, {name.partition('/')[0]}/{target.deployment_name(several[0])} for example. "
            f"`{deploy_command()}` makes one for every table"
        )
    table = _only_table(given) or _only_table(deployment.parameters) or _tagged(deployment)
    if table is None:
        raise BackfillRefused(
            f"{name} does not name the table that it loads: "
            + (
                'give parameters: {"table": "raw_data.…"}'
                if "table" in taken
                else f"add the table's name to its tags, or name a deployment load/<table>: `{deploy_command()}` makes "
                "one for every table"
            )
        )
    if (deployment.parameters or {}).get("full_refresh"):
        raise BackfillRefused(
            f"{name} always loads {table} whole (full_refresh: true): run it once instead of a backfill, or name a "
            "deployment that loads intervals"
        )
    found = read_table(table)
    if found.load_grid is None:
        raise BackfillRefused(
            f"{table} has load: {found.load}, so it is always loaded whole and has no intervals: run "
            f"{name} once instead"
        )
    return LoadingDeployment(deployment.id, name, found, _limit(client, deployment), taken).with_parameters(given)


def find_loading_deployment(client: SyncPrefectClient, table: str) -> str | None:
    """Return the name of a deployment that loads intervals of `table`, preferably one with an active schedule."""
    tagged = client.read_deployments(
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[table])), limit=PAGE
    )
    fitting = [
        deployment
        for deployment in tagged
        if parameter_names(deployment) >= RANGE
        and not (deployment.parameters or {}).get("full_refresh")
        and either_name(_table_of(deployment) or "") == table
        and current_target().owns(deployment.tags)
    ]
    own_name = current_target().deployment_name(table)

    def rank(one: DeploymentResponse) -> tuple[bool, bool, str]:
        is_shared = bool(_several(one.parameters)) and one.name != own_name  # by tables that come and go
        return is_shared, not any(schedule.active for schedule in one.schedules), one.name

    fitting.sort(key=rank)
    return full_name(client, fitting[0]) if fitting else None


def _limit(client: SyncPrefectClient, deployment: DeploymentResponse) -> int | None:
    """Return how many runs may be active at once, by the limits of deployment and work pool; None: any number."""
    own, pool_name = deployment.global_concurrency_limit, deployment.work_pool_name
    pool = client.read_work_pool(pool_name) if pool_name else None
    limits = [own.limit] if own else []
    if pool and pool.concurrency_limit is not None:
        context = FlowRunContext.get()
        here = context is not None and context.flow_run is not None and context.flow_run.work_pool_name == pool.name
        if here and pool.concurrency_limit < 2:
            flow = context.flow.name if context and context.flow else "backfill"
            raise BackfillRefused(
                f"the work pool {pool.name} allows one run at a time, and this backfill takes it, so its child runs "
                f"would never start. Allow more ({program('prefect')} work-pool set-concurrency-limit "
                f"{command(pool.name)} 2), or run it outside of the pool: {program('daybook')} {flow}"
            )
        limits.append(pool.concurrency_limit - here)
    return min(limits, default=None)


def parameter_names(deployment: DeploymentResponse) -> frozenset[str]:
    """Return the names of the parameters that the flow of a deployment takes."""
    return frozenset((deployment.parameter_openapi_schema or {}).get("properties", {}))


def _table_of(deployment: DeploymentResponse) -> str | None:
    """Return the only table that a deployment loads, or None if it loads several or names none."""
    if len(_several(deployment.parameters)) > 1:
        return None
    return _only_table(deployment.parameters) or _tagged(deployment)


def _several(parameters: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the parameter `tables` of the flow `load`, or () if it has none."""
    named = (parameters or {}).get("tables")
    return [str(name) for name in named] if isinstance(named, list | tuple) else ()


def _only_table(parameters: Mapping[str, Any] | None) -> str | None:
    several = _several(parameters)
    return several[0] if len(several) == 1 else (parameters or {}).get("table")


def _tagged(deployment: DeploymentResponse) -> str | None:
    tables = set(table_names()).intersection(deployment.tags)
    return tables.pop() if len(tables) == 1 else None


def _instead(client: SyncPrefectClient, name: str) -> str:
    """Return the end of an error about a deployment that does not exist: the one that was meant, or how to make it."""
    table = in_full(name, table_names())
    if loads_it := find_loading_deployment(client, table) if table in table_names() else None:
        return f"; {table} is a table, which {command(loads_it)} loads"
    found = full_names(client, every(lambda offset: client.read_deployments(limit=PAGE, offset=offset)))
    known = sorted(found.values())
    shown = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
    return did_you_mean(name, known, f"there are {shown}" if known else f"there are none: run `{deploy_command()}`")


def full_names(client: SyncPrefectClient, deployments: Iterable[DeploymentResponse]) -> dict[UUID, str]:
    """Return the names of deployments as people type them, by ID: `load/raw_data.orders`."""
    found, flows = list(deployments), dict[UUID, str]()
    ids = sorted({one.flow_id for one in found})
    for first in range(0, len(ids), PAGE):
        some = FlowFilter(id=FlowFilterId(any_=ids[first : first + PAGE]))
        flows |= {flow.id: flow.name for flow in client.read_flows(flow_filter=some, limit=PAGE)}
    return {one.id: f"{flows[one.flow_id]}/{one.name}" for one in found}


def full_name(client: SyncPrefectClient, deployment: DeploymentResponse) -> str:
    """Return the name of a deployment as people type it: `load/raw_data.orders`."""
    return full_names(client, [deployment])[deployment.id]


def automations_and_deployments(client: SyncPrefectClient) -> Iterator[tuple[Automation, set[UUID]]]:
    """Yield each automation with the deployments that it runs. The server does not return which resource owns it."""
    for one in every(lambda offset: client.read_automations(limit=PAGE, offset=offset)):
        actions = (action for action in one.actions if isinstance(action, RunDeployment))
        yield one, {action.deployment_id for action in actions if action.deployment_id}


def run_command(deployment: str, parameters: Mapping[str, Any]) -> str:
    """Return the command that runs a deployment with these parameters."""
    given = (("--param", typed_parameter(name, value)) for name, value in parameters.items())
    return command("prefect", "deployment", "run", deployment, *(word for pair in given for word in pair))


def typed_parameter(name: str, value: Any) -> str:
    """Return a parameter in the form of `prefect deployment run`, with `***` for a secret such as `password`."""
    quoted = f"{name}={json.dumps(value)}"
    if (hidden := without_secrets(quoted)) != quoted:
        return hidden
    return f"{name}={value if isinstance(value, str) and _reads_as_text(value) else json.dumps(value)}"


def _reads_as_text(value: str) -> bool:
    """Return True if the command takes the bare value as this text: it reads `2` and `true` as JSON."""
    try:
        json.loads(value)
    except ValueError:
        return '"' not in value and "\\" not in value and value.isprintable()
    return False
