"""Whether Prefect still schedules, asked of a real server.

The tests' own server runs none of its services: its scheduler is as good as dead. A test has the server make runs by
the same code when it is asked to, and looks at them from later on.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.states import Cancelled, Running

from daybook.orchestration.notifications.detect.scheduler_health import (
    Problem,
    Scheduler,
    causes,
    find_problem,
    first_missing,
    ticks,
)

MINUTES = [timedelta(minutes=number) for number in range(300)]


# ── Which ticks must have a run ───────────────────────────────────────────────────────────────────────────────────────


def shown(schedule: Any, since: datetime, now: datetime, **scheduler: Any) -> list[str]:
    found = ticks(DeploymentSchedule(schedule=schedule), since, Scheduler(**scheduler), now)
    return [f"{tick.astimezone(UTC):%d %H:%M}" for tick in found]


NOW, LONG_AGO = datetime(2021, 3, 27, 12, 2, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)
QUARTERS = CronSchedule(cron="*/15 * * * *", timezone="UTC")
NINE = CronSchedule(cron="0 9 * * *", timezone="Europe/Berlin")

#: A schedule, since when it is as it is, and its ticks; the server keeps three runs ahead, and an hour of them.
TICKS = {
    "each quarter, three hours back and one ahead": (
        QUARTERS, LONG_AGO, ["27 09:15", "27 09:30", "27 12:45"], 15,
    ),
    "each day, three ahead, over a change of the clock": (
        NINE, LONG_AGO, ["28 07:00", "29 07:00", "30 07:00"], 3,
    ),
    "an interval": (
        IntervalSchedule(interval=timedelta(hours=1), anchor_date=datetime(2021, 1, 1, 0, 30, tzinfo=UTC)),
        LONG_AGO, ["27 09:30", "27 10:30", "27 14:30"], 6,
    ),
    "a rule": (
        RRuleSchedule(rrule="DTSTART:20210101T093000\nRRULE:FREQ=DAILY"),
        LONG_AGO, ["27 09:30", "28 09:30", "30 09:30"], 4,
    ),
    "a rule that has ended": (
        RRuleSchedule(rrule="DTSTART:20210101T093000\nRRULE:FREQ=DAILY;COUNT=3"), LONG_AGO, [], 0,
    ),
    "changed ten minutes ago": (QUARTERS, NOW - timedelta(minutes=10), ["27 12:00", "27 12:15", "27 12:45"], 4),
    "changed four minutes ago": (QUARTERS, NOW - timedelta(minutes=4), [], 0),
}  # fmt: skip


@pytest.mark.parametrize(("schedule", "since", "ends", "number"), TICKS.values(), ids=TICKS)
def test_which_ticks_must_have_a_run(schedule: Any, since: datetime, ends: list[str], number: int) -> None:
    found = shown(schedule, since, NOW)
    assert len(found) == number
    assert [*found[:2], *found[2:][-1:]] == ends


def test_a_server_that_keeps_fewer_ahead() -> None:
    few = {"min_runs": 1, "min_scheduled_time": timedelta(minutes=20)}
    assert shown(QUARTERS, LONG_AGO, NOW, **few)[-1] == "27 12:15"
    assert shown(NINE, LONG_AGO, NOW, max_scheduled_time=timedelta(days=2)) == ["28 07:00", "29 07:00"]


@pytest.mark.parametrize(
    ("runs", "first"),
    [([0, 1, 2, 3], None), ([0, 1], 2), ([], 0), ([0, 3], None), ([3], None), ([0, 2], 3)],
    ids=["all", "the first two", "none", "not those between", "only the last", "not the last"],
)
def test_the_first_tick_from_which_on_there_is_no_run(runs: list[int], first: int | None) -> None:
    all_ticks = [NOW + MINUTES[number] for number in range(4)]
    found = first_missing(all_ticks, {all_ticks[number] for number in runs})
    assert found == (None if first is None else all_ticks[first])


def test_the_likely_causes() -> None:
    assert ["scheduler is off" in cause for cause in causes(Scheduler(enabled=False), stopped=True)] == [True]
    assert "SQLAlchemy 2.1" in causes(Scheduler(), stopped=True)[0]
    assert not any("these deployments" in cause for cause in causes(Scheduler(), stopped=True))
    assert "Error scheduling deployment" in causes(Scheduler(), stopped=False)[-1]
    assert "these deployments" in causes(Scheduler(), stopped=False)[-1]


# ── On a server ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Made:
    """A deployment on the server. Others may be there: what is said of them is left out."""

    def __init__(self, client: SyncPrefectClient, schedule: Any, *tags: str) -> None:
        @flow(name=f"flow-{uuid.uuid4().hex[:8]}")
        def any_flow() -> None: ...

        self._client, self.flow = client, client.create_flow(any_flow)
        schedules = [DeploymentScheduleCreate(schedule=schedule, active=True)]
        self.id = client.create_deployment(self.flow, name="daily", schedules=schedules, tags=["daybook", *tags])
        self.name, self.since = f"{any_flow.name}/daily", datetime.now(UTC)

    def schedule(self, **least: float) -> list[datetime]:
        """Have the server make its runs, as its scheduler would; the ticks that have one now."""
        least = {"min_runs": 3, "min_time": 3600, **least}
        self._client.request("POST", f"/deployments/{self.id}/schedule", json=least)
        here = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[self.id]))
        found = self._client.read_flow_runs(flow_run_filter=here)
        return sorted(run.expected_start_time for run in found if run.expected_start_time)

    def problem(self, minutes: int) -> Problem | None:
        """What is wrong with it so many minutes after it was made."""
        found = find_problem(self._client, self.since + timedelta(minutes=minutes))
        return found if found and self.name in found.deployments else None


@pytest.fixture
def make(client: SyncPrefectClient) -> Iterator[Callable[..., Made]]:
    made: list[Made] = []

    def make(*args: Any) -> Made:
        made.append(Made(client, *args))
        return made[-1]

    yield make
    for one in made:
        client.delete_deployment(one.id)
        client.delete_flow(one.flow)


HOURLY = CronSchedule(cron="30 * * * *", timezone="Europe/Berlin")


def test_a_scheduler_that_never_makes_runs_and_one_that_stops(
    client: SyncPrefectClient, make: Callable[..., Made]
) -> None:
    hourly = make(HOURLY)
    assert hourly.problem(2) is None, "it was made just now"
    never = hourly.problem(600)
    assert never and never.title.startswith("Prefect ") and hourly.name in never.title and never.causes
    assert never.since > hourly.since and never.since.minute == 30

    made = hourly.schedule(min_runs=4)
    assert hourly.problem(10) is None
    stopped = hourly.problem(130)
    assert stopped and stopped.since == made[-1] + timedelta(hours=1), "the first tick that has no run"

    here = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[hourly.id]))
    runs = {run.expected_start_time: run.id for run in client.read_flow_runs(flow_run_filter=here)}
    client.set_flow_run_state(runs[made[-1]], Cancelled(), force=True)
    assert hourly.problem(10) is None, "what a person cancelled had been scheduled"
    client.delete_flow_run(runs[made[0]])
    assert hourly.problem(10) is None, "somebody has deleted it, and there are later ones"

    client.update_deployment(hourly.id, DeploymentUpdate(paused=True))
    assert hourly.problem(600) is None, "it is paused"


def test_a_schedule_that_is_paused_owes_no_run(client: SyncPrefectClient, make: Callable[..., Made]) -> None:
    hourly = make(HOURLY)
    (schedule,) = client.read_deployment_schedules(hourly.id)
    client.update_deployment_schedule(hourly.id, schedule.id, active=False)
    assert hourly.problem(600) is None


def test_the_monitor_itself_is_silent(client: SyncPrefectClient, make: Callable[..., Made]) -> None:
    monitor = make(CronSchedule(cron="*/15 * * * *", timezone="UTC"), "monitor")
    monitor.schedule(min_time=6 * 3600)
    assert monitor.problem(40) is None, "three of its passes have not gone by"
    never = monitor.problem(50)
    assert never and never.title == "The monitor has not run on schedule yet"
    assert "wait for a worker" in never.causes[0]

    run = client.create_flow_run_from_deployment(monitor.id)
    client.set_flow_run_state(run.id, Running(), force=True)
    assert monitor.problem(40) is None
    silent = monitor.problem(120)
    assert silent and silent.title.startswith(f"The monitor has not run on schedule since {silent.since:%Y-%m-%d}")
    assert silent.since - monitor.since < timedelta(minutes=10)
