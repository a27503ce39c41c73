"""The monitor's passes over runs that really failed, on the tests' own Prefect server, and what Slack gets of them."""

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from prefect import Flow, tags
from prefect.client.orchestration import SyncPrefectClient

from flows import monitor as monitor_module
from flows.monitor import monitor
from flows.nps import nps
from tests.support.flow_fixtures import LiveWarehouse, Production
from tests.support.incident_fixtures import forget
from tests.support.servers.slack import Slack

DAY = date(2021, 2, 5)


@pytest.fixture
def office(
    client: SyncPrefectClient,
    without_heartbeat: None,
    production: Production,
    on_postgres: LiveWarehouse,
    use: Callable[..., None],
    slack: Slack,
) -> Iterator[Slack]:
    """Production, an empty warehouse and a Slack; nothing is open, nothing waits."""
    on_postgres.empty()
    use(on_postgres, SLACK_WEBHOOK_URL=slack.webhook())
    forget(client)
    yield slack


def attempt(flow: Flow[..., Any], table: str, **parameters: Any) -> str:
    """Run a flow as its deployment would; the id of its run."""
    with tags("daybook", table):
        state = flow.with_options(retries=0)(**parameters, return_state=True)
    assert state.state_details.flow_run_id
    return str(state.state_details.flow_run_id)


def test_one_message_an_incident_a_word_more_and_its_end(
    office: Slack, production: Production, on_postgres: LiveWarehouse
) -> None:
    production.fill(DAY, 10)
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")  # which a check of the table file refuses

    run = attempt(nps, "raw_data.nps", execution_date=DAY)
    monitor(about="failed", run=run)
    monitor(about="failed")
    (first,) = office.messages
    assert "raw_data.nps failed: 2021-02-05" in first.text
    for word in (
        "raw_data.nps",
        "2021-02-05",
        "load",
        "returned 1; expected 0",
        f"/runs/flow-run/{run}",
        "raw_data.nps has never been loaded",
    ):
        assert word in first.words
    assert "analytics.nps_summary" in first.words  # which waits for it

    for _ in range(2):
        attempt(nps, "raw_data.nps", execution_date=DAY)
        monitor(about="failed")
    assert [message.text.partition(": ")[2].partition(" since")[0] for message in office.messages[1:]] == [
        "second time",
        "third time",
    ]

    production.run("UPDATE prod.nps SET score = 4 WHERE id = 3")
    attempt(nps, "raw_data.nps", execution_date=DAY)
    monitor(about="recovered", subject="raw_data.nps", said="table")
    monitor(about="failed")
    # No other table of this empty warehouse is late: nothing should have loaded them.
    assert [message.text.partition(" after")[0] for message in office.messages[3:]] == ["🟩 raw_data.nps recovered"]
    assert on_postgres.run("SELECT subject, kind, times FROM daybook.incidents") == [("raw_data.nps", "failed", 3)]


@pytest.mark.full
def test_what_slack_does_not_take_is_sent_later_and_no_load_waits_for_it(office: Slack, production: Production) -> None:
    production.fill(DAY, 10)
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")
    with office.down():
        attempt(nps, "raw_data.nps", execution_date=DAY)
        assert monitor(about="failed") == 1
        production.run("UPDATE prod.nps SET score = 4 WHERE id = 3")
        attempt(nps, "raw_data.nps", execution_date=DAY)
        assert monitor(about="failed") == 2
    assert office.messages == []

    assert monitor(about="failed") == 0
    assert [message.text[0] for message in office.messages] == ["🟥", "🟩"]


def test_two_passes_at_the_same_moment_tell_once(office: Slack, production: Production) -> None:
    production.fill(DAY, 10)
    production.run("UPDATE prod.nps SET score = 42 WHERE id = 3")
    run = attempt(nps, "raw_data.nps", execution_date=DAY)
    with ThreadPoolExecutor(2) as pool:
        passes = [pool.submit(contextvars.copy_context().run, monitor, about="failed", run=run) for _ in range(2)]
        assert [one.result() for one in passes] == [0, 0]
    assert len(office.messages) == 1


def test_a_failed_run_of_another_target_is_left_to_its_own_monitor(
    client: SyncPrefectClient, without_heartbeat: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is prod's automation that starts the monitor, whose pass would ask a warehouse that may sleep."""

    class Looked(Exception):
        pass

    def look(*_: object) -> None:
        raise Looked

    monkeypatch.setattr(monitor_module, "MonitorPass", look)
    dev, prod = (client.create_flow_run(monitor, tags=["daybook", *more]) for more in (["daybook-target:dev"], []))
    quiet = monitor.with_options(retries=0)
    assert quiet(about="failed", run=str(dev.id)) == quiet(about="stuck", run=str(dev.id)) == 0
    for about, run in (("failed", prod.id), ("failed", uuid4()), ("waiting", dev.id)):
        with pytest.raises(Looked):
            quiet(about=about, run=str(run))
