"""Which runs may come too late, by their own history; and what is told of one, on Prefect's own server."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import TaskRun
from prefect.states import Completed, Running

from daybook.monitoring.freshness import Freshness
from daybook.monitoring.freshness import State as Stand
from daybook.orchestration.notifications.detect.slow_runs import at_risk, in_words, may_be_late
from flows.summaries import summaries
from tests.support.small_project import SUMMARY, write_project

pytestmark = pytest.mark.usefixtures("small_project")


def minutes(*numbers: float) -> list[timedelta]:
    return [timedelta(minutes=number) for number in numbers]


FIVE_TO_NINE = minutes(*[5] * 10, *[6] * 8, 8, 9)

#: Minutes that it has taken, what its last runs took, minutes until it is due; whether that is told.
CASES = {
    "as ever, with time to spare": (4, FIVE_TO_NINE, 30, False),
    "as ever, and began too late": (1, FIVE_TO_NINE, 2, True),
    "as ever, and just in time": (1, FIVE_TO_NINE, 6, False),
    "slower than nine of ten, with time to spare": (8.5, FIVE_TO_NINE, 30, False),
    "slower than nine of ten, and due soon": (8.5, FIVE_TO_NINE, 3, True),
    "slower than nine of ten, and once was much slower": (6, minutes(*[5] * 19, 60), 10, False),
    "slower than any, with time to spare": (10, FIVE_TO_NINE, 30, False),
    "slower than any, and due soon": (12, FIVE_TO_NINE, 4, True),
    "twice as slow as any, however late it is due": (18.1, FIVE_TO_NINE, 600, True),
    "not quite twice as slow": (17.9, FIVE_TO_NINE, 600, False),
    "seconds that are twice as slow": (0.5, minutes(*[0.1] * 20), 600, False),
    "seconds late": (0.5, minutes(*[0.4] * 20), 0.1, False),
    "two runs are no history": (60, minutes(5, 5), 1, False),
    "three are": (60, minutes(5, 5, 5), 1, True),
    "no history": (60, [], 1, False),
}


@pytest.mark.parametrize(("taken", "history", "left", "told"), CASES.values(), ids=CASES)
def test_which_run_may_be_late(taken: float, history: list[timedelta], left: float, told: bool) -> None:
    assert may_be_late(timedelta(minutes=taken), history, timedelta(minutes=left)) is told


NOW = datetime(2021, 2, 8, 8, 48, tzinfo=UTC)


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (
            FIVE_TO_NINE,
            "Running for 42 min. The last 20 runs took 5 min to 9 min. Due at 10:00 Europe/Berlin, in 12 min.",
        ),
        (minutes(5, 5, 5), "Running for 42 min. The last 3 runs took 5 min. Due at 10:00 Europe/Berlin, in 12 min."),
    ],
    ids=["a range", "all alike"],
)
def test_the_numbers_are_told(history: list[timedelta], said: str) -> None:
    due_at = NOW + timedelta(minutes=12)
    assert in_words(timedelta(minutes=42), history, due_at, NOW, "Europe/Berlin") == said


# ── Runs on a server ──────────────────────────────────────────────────────────────────────────────────────────────────

TABLE = "raw_data.slow"


class Runs:
    """Runs of a deployment. The server says when each began and ended: just now."""

    def __init__(self, client: SyncPrefectClient) -> None:
        @flow(name=f"load-{uuid.uuid4().hex[:8]}")
        def load(until: str | None = None) -> None: ...

        self.client, self.flow = client, client.create_flow(load)
        self.deployment = client.create_deployment(self.flow, name="daily", tags=["daybook", TABLE])

    def begin(self, *tags: str, **parameters: str) -> uuid.UUID:
        """A run that goes on, with `tags` beside those of the deployment."""
        run = self.client.create_flow_run_from_deployment(
            self.deployment, tags=["daybook", TABLE, *tags], parameters=parameters
        )
        self.client.set_flow_run_state(run.id, Running(), force=True)
        return run.id

    def end(self, run: uuid.UUID) -> None:
        self.client.set_flow_run_state(run, Completed(), force=True)


@pytest.fixture
def runs(client: SyncPrefectClient) -> Iterator[Runs]:
    made = Runs(client)
    yield made
    client.delete_deployment(made.deployment)
    client.delete_flow(made.flow)


def test_a_run_is_held_against_those_like_it(client: SyncPrefectClient, runs: Runs) -> None:
    now = datetime.now(UTC) + timedelta(minutes=42)
    standing = Freshness(TABLE, "tests", "UTC", Stand.FRESH, next_due_at=now + timedelta(hours=9))
    for tags in (["auto-scheduled"], ["auto-scheduled"], ["backfill"], []):
        runs.end(runs.begin(*tags))
    runs.begin("backfill")
    runs.begin(until="2021-02-08")
    slow = runs.begin()
    assert at_risk(client, standing, now) is None, "two runs were scheduled, which is no history"
    runs.end(runs.begin("auto-scheduled"))
    risk = at_risk(client, standing, now)
    assert risk and (risk.table, risk.run_id, risk.now) == (TABLE, str(slow), now)
    assert re.match(
        r"Running for \d+ min. The last 3 runs took \d+ s( to \d+ s)?. Due at \d\d:\d\d UTC, in 9 h", risk.words
    )
    assert at_risk(client, replace(standing, next_due_at=None), now) is None, "what is due is there"
    assert at_risk(client, replace(standing, table="raw_data.other"), now) is None
    runs.end(slow)
    assert at_risk(client, standing, now) is None, "what goes on loads a past range"


def test_a_build_is_held_against_those_of_the_same_summary(client: SyncPrefectClient, small_project: Path) -> None:
    @task
    def build() -> None: ...

    def begin(summary: str) -> TaskRun:
        run = client.create_flow_run(summaries)
        made = client.create_task_run(build, run.id, "0", name=summary)
        client.set_task_run_state(made.id, Running(), force=True)
        return made

    name, other = "analytics.slow", "analytics.other"
    for summary in ("slow", "other"):
        files = {f"analytics/{summary}.yaml": SUMMARY, f"analytics/{summary}.sql": "select 1 as day\n"}
        write_project(small_project, files)
    for summary in (name, name, name, other):
        client.set_task_run_state(begin(summary).id, Completed(), force=True)
    slow = {summary: begin(summary) for summary in (name, other)}
    now = datetime.now(UTC) + timedelta(minutes=42)
    standing = Freshness(name, "tests", "UTC", Stand.FRESH, next_due_at=now + timedelta(minutes=12))
    risk = at_risk(client, standing, now)
    assert risk and risk.run_id == str(slow[name].flow_run_id)
    assert ". The last 3 runs took " in risk.words and risk.words.endswith(" UTC, in 12 min.")
    assert at_risk(client, replace(standing, table=other), now) is None, "it has no history"
    for made in slow.values():
        client.set_task_run_state(made.id, Completed(), force=True)
