"""A bad week, through a worker: ten things go wrong for real. Each has one message, and one more when it is over.

Every message comes by the automations of deployments/automations.yaml, at most a minute after Prefect's own event.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun
from sqlalchemy import make_url

from daybook.orchestration.automations.apply import apply
from daybook.orchestration.automations.spec import read
from daybook.orchestration.local_stack.polling import wait_until
from tests.flows.test_monitor import forget
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.flow_runs import PATIENCE, create, flow_processes, wait_for
from tests.support.project_copy import Deployed
from tests.support.servers.ports import free_port
from tests.support.servers.slack import Message, Slack

DAY = date(2021, 2, 5)
AT_MOST = 60  # seconds from Prefect's event to the message

#: A table and a summary of the tests' own, in the places of others. The table warns of zeros, and may be due.
ANSWERS = """\
description: One answer a row.
owner: tests
source: {kind: database, block: production, table: prod.nps}
key: [id]
cursor: created_at
interval: day
start: 2021-02-05
load: replace_interval
checks:
  - {sql: "select count(*) from {table} where score = 0", equals: 0, severity: warn}
"""
DUE = 'due: "00:00"\n'
PER_DAY = "SELECT created_at::date AS day, count(*) AS answers FROM raw_data.visits GROUP BY created_at::date\n"
PER_DAY_FILE = "description: One row a day with an answer.\nowner: tests\nkey: [day]\n"


@dataclass
class Week:
    """The stack, what it loads, and the Slack that hears of it."""

    worker: Deployed
    production: Production
    warehouse: LiveWarehouse
    slack: Slack
    tables: Path
    told: list[str] = field(default_factory=list)

    def run(self, name: str, /, *, timeout: str | None = None, **parameters: Any) -> FlowRun:
        env = {"PREFECT_FLOWS_DEFAULT_RETRIES": "0"} | ({"DAYBOOK_FLOW_TIMEOUT_SECONDS": timeout} if timeout else {})
        return create(self.worker, name, parameters=parameters, job_variables={"env": env})

    def load(self, **options: Any) -> FlowRun:
        return self.run("load-table/on-demand", table="raw_data.visits", **options)

    def ends(self, run: FlowRun, *states: str) -> FlowRun:
        return wait_for(self.worker, run, *states)

    def hears(self, *words: str, since: datetime | None) -> Message:
        """The one new message, which has these words; and how long after Prefect's event it came."""
        known = len(self.told)
        assert wait_until(lambda: len(self.slack.messages) > known, PATIENCE), f"nobody was told of {words}"
        late = datetime.now(UTC) - since if since else timedelta(0)
        (message,) = self.slack.messages[known:]
        self.told.append(message.text)
        for word in words:
            assert word in message.words, message.words
        print(f"{late.total_seconds():.0f} s after the event: {message.text}")
        assert late < timedelta(seconds=AT_MOST + 5), late
        return message

    def goes_wrong(self, run: FlowRun, state: str, *words: str) -> Message:
        """A run that ends in this state is told once, with what happened, what it means and what to type."""
        ended = self.ends(run, state)
        assert ended.state
        return self.hears(*words, "prefect deployment run", f"/runs/flow-run/{run.id}", since=ended.state.timestamp)

    def recovers(self, run: FlowRun | None, subject: str) -> None:
        ended = self.ends(run, "Completed") if run else None
        message = self.hears("recovered after", subject, since=ended.state.timestamp if ended and ended.state else None)
        assert message.text.startswith("🟩")
        self.calms_down()

    def calms_down(self) -> None:
        """Wait for the passes that are still on their way: they shall not see what the next incident breaks."""
        quiet = 0
        while quiet < 4:
            active = {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}
            query = {"flows": {"name": {"any_": ["monitor"]}}, "flow_runs": {"state": active}}
            waiting = self.worker.client.request("POST", "/flow_runs/filter", json=query).json()
            quiet = 0 if waiting else quiet + 1
            time.sleep(1)

    @contextmanager
    def blocks(self, **variables: str) -> Iterator[None]:
        """Other blocks within, as after a password has changed or a server has stopped."""
        good = {"DAYBOOK_PRODUCTION_URL": self.production.url} | self.warehouse.variables
        self.worker.make_blocks(good | variables)
        try:
            yield
        finally:
            self.worker.make_blocks(good)


@pytest.fixture
def week(
    worker: Deployed, production: Production, on_postgres: LiveWarehouse, slack: Slack, tmp_path: Path
) -> Iterator[Week]:
    tables = worker.stack.root / "tables"
    were = {file: file.read_text() for file in tables.glob("*/*.*") if file.suffix in (".yaml", ".sql")}
    for file, text in were.items():  # what is due today is not to be seen in a week of 2021
        file.write_text("".join(line for line in text.splitlines(True) if not line.startswith("due:")))
    (tables / "raw_data" / "visits.yaml").write_text(ANSWERS)
    (tables / "analytics" / "nps_summary.yaml").write_text(PER_DAY_FILE)
    (tables / "analytics" / "nps_summary.sql").write_text(PER_DAY)
    production.fill(DAY, 100)
    production.run("UPDATE prod.nps SET score = 1 WHERE score = 0")
    worker.make_blocks({"SLACK_WEBHOOK_URL": slack.webhook()})
    forget(worker.client)
    list(apply(read()))
    yield Week(worker, production, on_postgres, slack, tables)
    list(apply([]))
    sent = json.dumps([message.payload for message in slack.messages], indent=2, ensure_ascii=False)
    (tmp_path / "messages.json").write_text(
        sent, encoding="utf-8"
    )  # for docs/images: tests/support/servers/slack_picture.py
    for file, text in were.items():
        file.write_text(text)


Incident = Callable[[Week, dict[str, str]], None]
INCIDENTS: dict[str, Incident] = {}


def incident(function: Incident) -> Incident:
    INCIDENTS[function.__name__] = function
    return function


@incident
def bad_sql(week: Week, day: dict[str, str]) -> None:
    file = week.tables / "analytics" / "nps_summary.sql"
    tables = {"tables": ["analytics.nps_summary"]}
    file.write_text(PER_DAY.replace("count(*)", "count(*) / (count(*) - count(*))"))
    failed = week.run("summaries/daily", **tables)
    week.goes_wrong(failed, "Failed", "analytics.nps_summary failed", "division by zero", "has never been loaded")
    file.write_text(PER_DAY)
    week.recovers(week.run("summaries/daily", **tables), "analytics.nps_summary")


@incident
def wrong_password(week: Week, day: dict[str, str]) -> None:
    wrong = make_url(week.production.url).set(password="not-this-one").render_as_string(hide_password=False)
    with week.blocks(DAYBOOK_PRODUCTION_URL=wrong):
        run = week.load(**day)
        message = week.goes_wrong(run, "Failed", "raw_data.visits failed: 2021-02-05", "Access denied", "extract")
        assert "not-this-one" not in message.words
        assert "raw_data.visits still shows today's load" in message.words
        assert "Blocked until then: analytics.nps_summary" in message.words
    week.recovers(week.load(**day), "raw_data.visits")


@incident
def killed(week: Week, day: dict[str, str]) -> None:
    with week.warehouse.locked("visits"):
        run = week.ends(week.load(**day), "Running")
        assert wait_until(lambda: bool(flow_processes(week.worker, run)), PATIENCE)
        for process in flow_processes(week.worker, run):
            process.send_signal(signal.SIGKILL)
        week.goes_wrong(run, "Crashed", "raw_data.visits crashed: 2021-02-05", "never see partial data")
    week.recovers(week.load(**day), "raw_data.visits")


@incident
def emptied_table(week: Week, day: dict[str, str]) -> None:
    kept = week.production.rows()
    week.production.run("TRUNCATE prod.nps")
    week.goes_wrong(week.load(**day), "Failed", "raw_data.visits failed: 2021-02-05", "ShrinkGuard")
    week.production.fill(DAY, len(kept))
    week.production.run("UPDATE prod.nps SET score = 1 WHERE score = 0")
    week.recovers(week.load(**day), "raw_data.visits")


@incident
def slow_source(week: Week, day: dict[str, str]) -> None:
    with week.production.locked():
        run = week.load(timeout="8", **day)
        week.goes_wrong(run, "TimedOut", "raw_data.visits timed out: 2021-02-05", "8")
    week.recovers(week.load(**day), "raw_data.visits")


@incident
def stopped_database(week: Week, day: dict[str, str]) -> None:
    nobody = make_url(week.warehouse.variables["DAYBOOK_WAREHOUSE_URL"]).set(port=free_port(), host="127.0.0.1")
    with week.blocks(DAYBOOK_WAREHOUSE_URL=nobody.render_as_string(hide_password=False)):
        run = week.load(**day)
        week.goes_wrong(run, "Failed", "raw_data.visits failed: 2021-02-05", "The warehouse does not answer now")
    week.recovers(week.load(**day), "the warehouse")


@incident
def warning_check(week: Week, day: dict[str, str]) -> None:
    week.production.run("UPDATE prod.nps SET score = 0 WHERE id = 3")
    run = week.ends(week.load(**day), "Completed")
    assert run.state
    week.hears("raw_data.visits: a check warns", "where score = 0", since=run.state.timestamp)
    week.production.run("UPDATE prod.nps SET score = 1 WHERE id = 3")
    week.recovers(week.load(**day), "the checks of raw_data.visits")


@incident
def backfill_with_a_bad_day(week: Week, day: dict[str, str]) -> None:
    """Its own failure is told, and not that of its runs beside."""
    week.production.run("INSERT INTO prod.nps VALUES (5000, '2021-02-06', 42)")
    range = {"deployment": "nps/daily", "start": "2021-02-05", "end": "2021-02-07"}
    failed = week.run("backfill/on-demand", **range)
    week.goes_wrong(failed, "Failed", "nps/daily 2021-02-05 until 2021-02-07", "2021-02-06")
    week.production.run("DELETE FROM prod.nps WHERE id = 5000")
    week.recovers(week.run("backfill/on-demand", **range), "backfill/on-demand")


@incident
def late_table(week: Week, day: dict[str, str]) -> None:
    file = week.tables / "raw_data" / "visits.yaml"
    file.write_text(ANSWERS + DUE)
    week.ends(week.run("monitor/quarter-hourly"), "Completed")
    command = "load-table/on-demand --param table=raw_data.visits --param execution_date=2021-02-06 --param until="
    week.hears("raw_data.visits is stale", "raw_data.visits still shows", command, since=None)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    week.production.run(f"INSERT INTO prod.nps VALUES (6000, '{yesterday}', 7)")
    loaded = week.load(execution_date="2021-02-06", until=(yesterday + timedelta(days=1)).isoformat())
    week.recovers(loaded, "raw_data.visits")
    file.write_text(ANSWERS)


@incident
def lost_worker(week: Week, day: dict[str, str]) -> None:
    process = week.worker.stack.worker.process()
    assert process
    process.kill()
    waiting = week.load(**day)
    late = week.ends(waiting, "Late")
    assert late.state
    week.hears("no worker picks them up", "prefect worker start --pool daybook", since=late.state.timestamp)
    week.worker.stack.start_worker()
    week.ends(waiting, "Completed")
    week.recovers(None, "the work pool daybook")


#: A run that fails, one whose process is killed, and a table that no run loads.
THREE = ["wrong_password", "killed", "late_table"]
TEN = ["backfill_with_a_bad_day", "lost_worker", "bad_sql", *THREE[:2], "emptied_table", "slow_source"]
TEN += ["stopped_database", "warning_check", "late_table"]


@pytest.mark.timeout(2400)  # some fifty runs, each a process: twice five minutes where the machine is busy
@pytest.mark.full
@pytest.mark.parametrize("names", [THREE, TEN], ids=["three", "ten"])
def test_each_incident_has_a_message_and_a_recovery(week: Week, names: list[str]) -> None:
    day = {"execution_date": DAY.isoformat()}
    week.ends(week.load(**day), "Completed")
    for name in names:
        INCIDENTS[name](week, day)

    assert len(week.slack.messages) == len(week.told) == 2 * len(names)
    assert [text.startswith("🟩") for text in week.told] == [False, True] * len(names)
    assert week.slack.refused == []
