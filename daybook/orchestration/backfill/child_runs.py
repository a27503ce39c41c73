"""The runs that a backfill starts: runs of the deployment on its work pool, linked to the backfill as their parent."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment

from daybook.load.planning.scattered import label_of, parameters_of
from daybook.model.interval import IntervalRun
from daybook.orchestration.deployments import LoadingDeployment
from daybook.orchestration.pagination import PAGE
from daybook.orchestration.run_tags import BACKFILL_NAME_END, BACKFILL_TAG

#: The parent decides what is retried, so a child fails at once.
_NO_RETRIES = {"env": {"PREFECT_FLOWS_DEFAULT_RETRIES": "0"}}
#: How long a scheduled run has priority before it counts as stuck.
_PATIENCE = timedelta(minutes=10)
_ACTIVE = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


class ChildRuns:
    """The active runs of one backfill."""

    def __init__(self, client: SyncPrefectClient, deployed: LoadingDeployment, tag: str) -> None:
        self._client, self._deployed, self._tags = client, deployed, [BACKFILL_TAG, tag, deployed.table.name]
        self._active: dict[UUID, IntervalRun] = {}
        self._noticed: dict[UUID, datetime] = {}

    @property
    def stretches(self) -> list[IntervalRun]:
        """The intervals of each active run."""
        return list(self._active.values())

    def start(self, stretch: IntervalRun) -> FlowRun:
        """Start a run that loads these intervals."""
        grid = self._deployed.table.grid
        assert grid is not None
        run = run_deployment(
            self._deployed.id,
            parameters=self._deployed.parameters | parameters_of(grid, stretch),
            timeout=0,
            # The run sets the same name when it begins. This one is for a process that dies before that.
            flow_run_name=f"{self._deployed.table.name} {label_of(grid, stretch)}{BACKFILL_NAME_END}",
            tags=self._tags,
            job_variables=_NO_RETRIES,
        )
        assert isinstance(run, FlowRun)
        self._active[run.id] = stretch
        return run

    def pop_finished(self) -> list[tuple[IntervalRun, FlowRun | None]]:
        """Return the intervals and the run of each run that ended since the last call; None for a deleted run."""
        found = self._read(FlowRunFilter(id=FlowRunFilterId(any_=list(self._active)))) if self._active else []
        runs = {run.id: run for run in found}
        going = {run.id for run in found if run.state is None or not run.state.is_final()}
        return [(self._active.pop(id), runs.get(id)) for id in list(self._active) if id not in going]

    def cancel(self) -> None:
        """Cancel the active runs. One that has not started is cancelled at once, a running one by its worker."""
        for id in list(self._active):
            self._client.set_flow_run_state(
                id, State(type=StateType.CANCELLING, message="The backfill that started this run has ended.")
            )
        self._active.clear()

    def free_slots(self, wanted: int) -> int:
        """Return how many more runs may start: at most `wanted` at once, within the deployment's limit for all runs."""
        free = wanted - len(self._active)
        if free > 0 and self._deployed.limit is not None:
            here = FlowRunFilterDeploymentId(any_=[self._deployed.id])
            state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ACTIVE))
            active = {run.id for run in self._read(FlowRunFilter(deployment_id=here, state=state))}
            free = min(free, self._deployed.limit - len(active | set(self._active)))
        return max(free, 0)

    def scheduled_runs_due(self) -> list[FlowRun]:
        """Return the scheduled runs of the deployment that are due and wait for a slot: they have priority.

        Leave out a run that has waited for more than ten minutes: it waits for something else.
        """
        now = datetime.now(UTC)
        found = self._read(
            FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[self._deployed.id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])),
                expected_start_time=FlowRunFilterExpectedStartTime(before_=now),  # type: ignore[arg-type]
            )
        )
        waiting = [
            run for run in found if BACKFILL_TAG not in run.tags and run.state and run.state.name != "AwaitingRetry"
        ]
        self._noticed = {run.id: self._noticed.get(run.id, now) for run in waiting}
        return [run for run in waiting if now - self._noticed[run.id] < _PATIENCE]

    def _read(self, filter: FlowRunFilter) -> list[FlowRun]:
        return self._client.read_flow_runs(flow_run_filter=filter, limit=PAGE)
