"""Read unreported failed runs from the Prefect server, with the intervals that each should have loaded."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from daybook.definitions.summary_files import summary_names
from daybook.definitions.targets.project_target import current_target
from daybook.orchestration.deployments import RANGE, find_loading_deployment, parameter_names
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.failed_run import FailedRun, parts_of_loads, parts_of_summaries
from daybook.orchestration.notifications.detect.run_tables import chosen_summaries, plan_of, several_of, table_of
from daybook.orchestration.pagination import PAGE, every
from daybook.orchestration.run_failure import failure_of_run
from daybook.orchestration.run_tags import BACKFILL_TAG

#: The tag of every deployment of Daybook, and that of the monitor: its own failures must not start another pass.
OURS, MONITORS = "daybook", "monitor"
#: Parameters that do not change the subject of a run: an audit with repair has the same subject as one without.
HOW = frozenset({"repair", "max_repair"})
#: The label of a run whose last state has been reported. Servers store it, so it keeps its old name.
_REPORTED = "daybook.told"
_WRONG = [StateType.FAILED, StateType.CRASHED]


class FailedRuns:
    """Reads failed runs from the Prefect server."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client
        self._deployments: dict[UUID, DeploymentResponse] = {}

    def unreported(self, since: datetime, also: Iterable[UUID] = ()) -> list[FailedRun]:
        """Return the unreported runs that failed after `since` or have an ID in `also`, oldest first.

        Leaves out the runs of a backfill, which reports their failures itself.
        """
        ours = FlowRunFilterTags(all_=[OURS])
        wrong = FlowRunFilterState(type=FlowRunFilterStateType(any_=_WRONG))
        ended = FlowRunFilterEndTime(after_=since)  # type: ignore[arg-type]
        runs = {run.id: run for run in self._read(FlowRunFilter(tags=ours, state=wrong, end_time=ended))}
        if ids := list(also):
            runs |= {run.id: run for run in self._read(FlowRunFilter(id=FlowRunFilterId(any_=ids), state=wrong))}
        found = [one for run in runs.values() if _is_news(run) for one in self._described(run)]
        return sorted(found, key=lambda one: (one.ended, one.run.id))

    def mark_reported(self, failed: FailedRun) -> None:
        """Label the run as reported."""
        self._client.update_flow_run_labels(failed.run.id, {_REPORTED: failed.state_id})

    def exists(self, run_id: UUID) -> bool:
        """Return False if the run was deleted."""
        try:
            return bool(self._client.read_flow_run(run_id))
        except ObjectNotFound:
            return False

    def success_like(self, run_id: UUID) -> datetime | None:
        """Return when this run, or a later run of its deployment with the same parameters, completed, or None."""
        try:
            run = self._client.read_flow_run(run_id)
        except ObjectNotFound:
            return None
        if run.state and run.state.is_completed() and run.end_time:
            return to_stdlib_datetime(run.end_time)
        if run.deployment_id is None or run.state is None:
            return None
        completed = self._read(
            FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[run.deployment_id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED])),
                end_time=FlowRunFilterEndTime(after_=run.state.timestamp),  # type: ignore[arg-type]
            )
        )
        return next(
            (
                to_stdlib_datetime(one.end_time)
                for one in reversed(completed)
                if one.end_time and _subject_of(one) == _subject_of(run)
            ),
            None,
        )

    def task_of(self, failed: FailedRun) -> str | None:
        """Return the task that failed, or that was running when the run was killed, or None.

        The tasks of several tables have the same names, so a part of a run has none.
        """
        if failed.part is not None:
            return None
        query = {
            "flow_runs": {"id": {"any_": [str(failed.run.id)]}},
            "task_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED", "RUNNING"]}}},
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": 5,
        }
        names = [one["name"] for one in self._client.request("POST", "/task_runs/filter", json=query).json()]
        return ", ".join(re.sub(r"-[0-9a-f]{3,}$", "", name) for name in names) or None

    def _read(self, filter: FlowRunFilter) -> Sequence[FlowRun]:
        def page(offset: int) -> list[FlowRun]:
            order = FlowRunSort.END_TIME_DESC
            return self._client.read_flow_runs(flow_run_filter=filter, sort=order, limit=PAGE, offset=offset)

        return list(every(page))

    def _described(self, run: FlowRun) -> list[FailedRun]:
        """Return the failures of a run: one for a run of one table, and one for each part of a run of several."""
        failure = failure_of_run(run)
        flow, deployment = self._client.read_flow(run.flow_id).name, self._deployment(run)
        given = {name: value for name, value in (run.parameters or {}).items() if value is not None}
        taken = parameter_names(deployment) if deployment else (run.parameters or {}).keys()
        several = several_of(run) if taken >= RANGE else ()
        about = None if several else table_of(run)
        table = about if taken >= RANGE else None
        whole = FailedRun(
            run,
            flow,
            f"{flow}/{deployment.name}" if deployment else None,
            failure.reason,
            failure.kind,
            (table,) if table else several or chosen_summaries(run),
            about,
            plan_of(run, table),
            _not_its_own(given, deployment) if deployment else given,
        )
        if several:
            return [self._with_own_deployment(one) for one in parts_of_loads(whole, failure, several)]
        known = set(summary_names()) if failure.parts else set()
        return parts_of_summaries(whole, {name: why for name, why in failure.parts.items() if name in known}) or [whole]

    def _with_own_deployment(self, part: FailedRun) -> FailedRun:
        """Return the failure with the deployment that loads only its table, if it is one and there is one."""
        own = find_loading_deployment(self._client, part.tables[0]) if len(part.tables) == 1 else None
        if own is None:
            return part
        passed = {key: value for key, value in part.passed.items() if key not in ("tables", "at_once")}
        return replace(part, deployment=own, passed=passed)

    def _deployment(self, run: FlowRun) -> DeploymentResponse | None:
        """Return the deployment of a run, or None if it has none or the deployment was deleted."""
        if run.deployment_id is None:
            return None
        if run.deployment_id not in self._deployments:
            try:
                self._deployments[run.deployment_id] = self._client.read_deployment(run.deployment_id)
            except ObjectNotFound:
                return None
        return self._deployments[run.deployment_id]


def _subject_of(run: FlowRun) -> dict[str, Any]:
    """Return the parameters that identify the subject of a run."""
    return {name: value for name, value in (run.parameters or {}).items() if name not in HOW}


def _not_its_own(given: Mapping[str, Any], deployment: DeploymentResponse) -> dict[str, Any]:
    """Return the parameters of a run whose values differ from the deployment's."""
    schema = (deployment.parameter_openapi_schema or {}).get("properties", {})
    own = {name: one.get("default") for name, one in schema.items()} | (deployment.parameters or {})
    return {name: value for name, value in given.items() if own.get(name) != value}


def _is_news(run: FlowRun) -> bool:
    state = run.state
    return (
        state is not None
        and BACKFILL_TAG not in run.tags
        and MONITORS not in run.tags
        and current_target().owns(run.tags)
        and run.labels.get(_REPORTED) != str(state.id)
    )
