"""The local stack with a clock that a test sets, and with deployments that have every kind of schedule."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Scheduled
from ruamel.yaml import YAML

from daybook.orchestration.local_stack.polling import wait_until
from tests.support.flow_runs import PATIENCE, PAUSE
from tests.support.project_copy import VISITS, copy_project, deploy
from tests.support.quick_stack import QuickStack
from tests.support.servers.faketime import Clock

#: Prefect runs these services once or twice a minute; here they run more often, because tests skip the time between.
SETTINGS = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "13",  # a worker tries ten seconds before the time
}

HOURLY = VISITS.replace("interval: day\nstart: 2021-02-05", "interval: hour\nstart: 2021-02-04T00:00")
AUGUST = VISITS.replace("start: 2021-02-05", "start: 2020-08-10 02:00")

#: A flow that calls another one.
NIGHTLY = """\
from prefect import flow

from flows.load_table import load_table


@flow
def nightly() -> None:
    load_table("raw_data.nightly")
"""


def tick(**schedule: Any) -> dict[str, Any]:
    """Return the single schedule of a deployment, in UTC."""
    return {"schedules": [{"slug": "tick", "timezone": "UTC", **schedule}]}


#: The deployments of the tests. nps/daily, nps/full-refresh and catch-up/daily come from prefect.yaml.
ONE_AT_A_TIME = {"limit": 1, "collision_strategy": "ENQUEUE"}
PATIENT = {"env": {"PREFECT_FLOWS_DEFAULT_RETRIES": "30", "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "1"}}
NPS = {"entrypoint": "flows/nps.py:nps"}
LOAD_TABLE = {"entrypoint": "flows/load_table.py:load_table"}
OURS = ("flows/nps.py:nps", "flows/catch_up.py:catch_up")
DEPLOYMENTS: list[dict[str, Any]] = [
    {"name": "by-interval", **NPS, **tick(interval=86400, anchor_date="2021-02-06T09:30:00+00:00")},
    {"name": "by-cron", **LOAD_TABLE, "parameters": {"table": "raw_data.hourly"}, **tick(cron="30 * * * *")},
    {
        "name": "by-rrule",
        **LOAD_TABLE,
        "parameters": {"table": "raw_data.visits"},
        **tick(rrule="DTSTART:20210206T093000\nRRULE:FREQ=DAILY"),
    },
    {"name": "by-parent", "entrypoint": "flows/nightly.py:nightly", **tick(cron="30 9 * * *")},
    {
        "name": "before-midnight",
        **NPS,
        "concurrency_limit": ONE_AT_A_TIME,
        **tick(cron="59 23 * * *"),
    },
    {"name": "retried", **NPS, "work_pool": {"name": "daybook", "job_variables": PATIENT}, **tick(cron="0 9 * * *")},
    {"name": "august", **LOAD_TABLE, "parameters": {"table": "raw_data.august"}, "tags": ["raw_data.august"]},
]


@dataclass(frozen=True)
class MovedStack(QuickStack):
    """The local stack. All of its processes use `clock`."""

    clock: Clock = field(kw_only=True)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of all processes in the stack."""
        return super().environment | SETTINGS | self.clock.variables


@dataclass(frozen=True)
class NotificationStack:
    """The stack with the fake clock and its deployments. Each is paused until a test resumes it."""

    stack: MovedStack
    client: SyncPrefectClient

    def at(self, moment: datetime, *, worker: bool = True) -> None:
        """Set the clock to `moment`, and make sure that the server runs, and the worker if `worker` is true.

        A running server experiences a jump forward as one instant. To go back, the stack is restarted.
        """
        stack = self.stack
        if not worker:
            stack.worker.stop()
        if moment < stack.clock.now():
            stack.stop()
        stack.clock.set(moment)
        stack.start_server()
        stack.wait_for_server()
        if worker and not stack.worker_runs():
            stack.start_worker()

    def trigger(self, name: str, scheduled: datetime | None = None, **parameters: Any) -> FlowRun:
        """Create a run of the deployment that is scheduled for `scheduled` (None: now)."""
        state: State[Any] = Scheduled(scheduled_time=scheduled or self.stack.clock.now())
        deployment = self.client.read_deployment_by_name(name)
        return self.client.create_flow_run_from_deployment(deployment.id, state=state, parameters=parameters)

    def ticks(self, name: str) -> dict[datetime, FlowRun]:
        """Return the runs that the deployment's schedule created, by their scheduled time."""
        here = DeploymentFilter(id=DeploymentFilterId(any_=[self.client.read_deployment_by_name(name).id]))
        runs = [run for run in self.client.read_flow_runs(deployment_filter=here) if run.auto_scheduled]
        found: dict[datetime, FlowRun] = {run.expected_start_time: run for run in runs if run.expected_start_time}
        assert len(found) == len(runs), "a tick has two runs"
        return found

    def tick(self, name: str, moment: datetime) -> FlowRun:
        """Wait until the scheduler has created the run of that tick, and return it."""
        assert wait_until(lambda: moment in self.ticks(name), PATIENCE, PAUSE), list(self.ticks(name))
        return self.ticks(name)[moment]

    def wait_for(self, run: FlowRun, *states: str) -> FlowRun:
        """Wait until the run is in one of `states`, and return it."""

        def settled() -> bool:
            state = self.client.read_flow_run(run.id).state
            return state is not None and (state.name in states or state.is_final())

        wait_until(settled, PATIENCE, PAUSE)
        found = self.client.read_flow_run(run.id)
        assert found.state is not None
        assert found.state.name in states, f"{found.name} is {found.state.name}: {found.state.message}"
        return found

    def log(self, run: FlowRun) -> str:
        """Return the log of the run."""
        logs = self.client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])), limit=200)
        return "\n".join(log.message for log in logs)


def start_stack(folder: Path) -> Path:
    """Copy the project to `folder`, add the tables and the flow above, and return `folder`."""
    copy_project(folder)
    for name, text in {"hourly": HOURLY, "august": AUGUST, "nightly": VISITS}.items():
        (folder / "tables" / "raw_data" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "flows" / "nightly.py").write_text(NIGHTLY, encoding="utf-8")
    return folder


def deploy_ours(stack: MovedStack, preloaded_python: str) -> None:
    """Run `prefect deploy` for nps/daily and catch-up/daily of prefect.yaml and for the tests' own deployments."""
    content = YAML(typ="safe").load(stack.root / "prefect.yaml")
    for deployment in content["deployments"]:
        for schedule in deployment.get("schedules", []):
            schedule["active"] = True  # the deployments are paused instead, until a test resumes them
    content["deployments"] = [
        *(deployment for deployment in content["deployments"] if deployment["entrypoint"] in OURS),
        *({"work_pool": {"name": "daybook"}} | deployment for deployment in DEPLOYMENTS),
    ]
    YAML().dump(content, stack.root / "clock.yaml")
    deploy(stack, preloaded_python, "--all", "--prefect-file", "clock.yaml")
