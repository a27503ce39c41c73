"""The key metrics as a flow computes them, shows them and tells of them; and as Prometheus scrapes them."""

import contextlib
import secrets
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prefect import Flow, flow, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Crashed, Failed
from prometheus_client import start_http_server
from prometheus_client.parser import text_string_to_metric_families

from daybook.cli.prometheus import main as prometheus_command
from daybook.errors import IntervalError
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.interval import Interval
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.key_metrics.gauges import Moment
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.metrics import prometheus
from daybook.orchestration.metrics.ended_runs import ended_runs
from daybook.orchestration.metrics.weeks import choose
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.run_tags import BACKFILL_TAG
from daybook.orchestration.variable_store import VariableStore
from flows.key_metrics import key_metrics
from tests.support.declared_blocks import make_blocks
from tests.support.flow_fixtures import LiveWarehouse
from tests.support.flow_runs import PATIENCE
from tests.support.servers.ports import free_port

MONDAY = date(2026, 7, 20)
NPS = "raw_data.nps"


@pytest.fixture
def warehouse(without_heartbeat: None, on_postgres: LiveWarehouse) -> LiveWarehouse:
    """An empty PostgreSQL, with its blocks."""
    on_postgres.empty()
    make_blocks(on_postgres.variables)
    return on_postgres


def fill(table: str, *days: tuple[date, datetime]) -> None:
    """Note in the ledger that these days were loaded at these moments."""
    entries = []
    for day, moment in days:
        start = datetime.combine(day, datetime.min.time(), UTC)
        end = start + timedelta(days=1)
        entries.append(Entry(table, start, end, 10, "upsert", f"run of {day}", moment, f"load of {day}", moment))
    with blocks.warehouse().session() as session:
        Ledger(blocks.warehouse()).ensure(session)
        Ledger(blocks.warehouse()).record(session, entries)


def morning(day: date, hour: int = 9) -> datetime:
    """The morning after a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=hour)


def artifact(client: SyncPrefectClient, key: str) -> str:
    found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), limit=200)
    return str(max(found, key=lambda one: one.created).data)  # type: ignore[type-var,return-value,arg-type]


def test_a_week_is_written_shown_and_told(warehouse: LiveWarehouse, client: SyncPrefectClient) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(-8, 7)]
    fill(NPS, *((day, morning(day, 12 if day == MONDAY else 9)) for day in days))
    waiting = set(VariableStore(client, "outbox").all())
    state = key_metrics.with_options(retries=0)(week=MONDAY, tell=True, return_state=True)
    again = key_metrics.with_options(retries=0)(week=MONDAY, return_state=True)
    assert state.is_completed() and again.is_completed()

    rows = warehouse.run(
        "SELECT week_start, runs, runs_failed, runs_from, intervals_due, intervals_in_time, freshness_minutes "
        f"FROM daybook.key_metrics WHERE table_name = '{NPS}' ORDER BY 1"
    )
    assert rows == [
        (MONDAY - timedelta(days=7), 7, 0, "warehouse", 7, 7, 540.0),
        (MONDAY, 7, 0, "warehouse", 7, 6, 540.0),
    ]
    page = artifact(client, "key-metrics")
    assert "| raw_data.nps | 86 % (6 of 7) | 100 % | 0 of 7 |" in page
    picture = page.split("](data:image/svg+xml;base64,")[1].split(")")[0]
    assert b"Week of 2026-07-20" in b64decode(picture)
    run = client.read_flow_run(state.state_details.flow_run_id)  # type: ignore[arg-type]
    assert run.name == "key-metrics 2026-07-20"
    (put,) = set(VariableStore(client, "outbox").all()) - waiting
    notice = VariableStore(client, "outbox").get(put)["notice"]
    VariableStore(client, "outbox").delete(put)
    assert notice["title"] == "Week of 2026-07-20: 86 % (100 %) in time, no run failed"
    assert ["raw_data.nps", "86 % (100 %) in time, none of 7 runs failed, fresh in 9 h"] in notice["facts"]
    assert notice["link"][1].endswith(f"/runs/flow-run/{state.state_details.flow_run_id}")


@pytest.mark.parametrize(
    ("week", "number", "firsts"),
    [
        pytest.param(date(2026, 7, 26), 1, [20], id="its Sunday"),
        pytest.param(date(2026, 7, 20), 2, [13, 20], id="its Monday, and the week before"),
    ],
)
def test_any_day_names_its_week(week: date, number: int, firsts: list[int]) -> None:
    assert [chosen.start.day for chosen in choose(week, number)] == firsts


def test_a_week_that_has_not_begun_is_refused() -> None:
    with pytest.raises(IntervalError, match="give a day of one that has begun"):
        choose(date(2999, 1, 1), 1)


def test_left_out_it_is_the_last_week_that_was_over_when_the_run_was_meant_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meant = datetime(2026, 7, 27, 8, 10, tzinfo=UTC)
    monkeypatch.setattr("prefect.runtime.flow_run.scheduled_start_time", meant, raising=False)
    monkeypatch.setattr("prefect.runtime.flow_run.parent_flow_run_id", None, raising=False)
    assert [chosen.start.day for chosen in choose(None, 2)] == [13, 20]


# What Prefect remembers


def test_each_run_of_a_table_is_known_by_its_tag(client: SyncPrefectClient, without_heartbeat: None) -> None:
    table, summary = f"raw_data.t{secrets.token_hex(4)}", f"analytics.s{secrets.token_hex(4)}"
    began = datetime.now(UTC) - timedelta(seconds=1)

    @flow(name="backfill")
    def backfill() -> None: ...

    @flow(name="reconcile")
    def reconcile() -> None: ...

    @flow(name="some-load")
    def some_load() -> None: ...

    @task(task_run_name=summary)
    def build(tries: list[int]) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the first time")

    @flow(name="summaries", retries=1, retry_delay_seconds=0)
    def summaries(tries: list[int]) -> None:
        build(tries)

    def run(state: State, *tags: str, of: Flow[[], None] = some_load) -> str:
        made = client.create_flow_run(of, tags=["daybook", *tags])
        client.set_flow_run_state(made.id, state, force=True)
        return str(made.id)

    good, bad, lost = (run(state, table) for state in (Completed(), Failed(), Crashed()))
    child, parent = run(Failed(), table, BACKFILL_TAG), run(Failed(), table, of=backfill)
    run(Cancelled(), table)
    run(Failed(), table, of=reconcile)
    run(Completed(), "raw_data.other")
    client.create_flow_run(some_load, tags=["daybook", table])  # has not begun
    built = summaries([], return_state=True).state_details.flow_run_id

    span = Interval(began, began + timedelta(hours=1))
    assert wait_until(
        lambda: any(one.table == summary for one in ended_runs(client, [], [summary], span).runs), PATIENCE
    )
    told = ended_runs(client, [table], [summary], span)
    assert {(one.id, one.table, one.failed) for one in told.runs} == {
        (good, table, False),
        (bad, table, True),
        (lost, table, True),
        (child, table, True),
        (parent, table, True),
        (str(built), summary, False),
    }
    assert told.backfills == {child, parent}
    assert told.since is not None and told.since <= datetime.now(UTC)
    before = Interval(began - timedelta(days=9), began - timedelta(days=8))
    assert ended_runs(client, [table], [summary], before).runs == ()


# Prometheus


def scraped(text: str) -> dict[str, dict[str, float]]:
    families = text_string_to_metric_families(text)
    return {one.name: {s.labels.get("table", ""): s.value for s in one.samples} for one in families}


def test_prometheus_is_told_of_every_table_and_of_nothing_while_the_warehouse_is_away(
    warehouse: LiveWarehouse, client: SyncPrefectClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = datetime.now(UTC).date()
    fill(NPS, *((today - timedelta(days=back), datetime.now(UTC)) for back in (1, 2, 3)))
    desk = IncidentStore(client, None)
    now = datetime.now(UTC)
    desk.keep(Incident(NPS, Kind.FAILED, "data-team", "…", since=now, last=now))
    file = tmp_path / "daybook.prom"
    try:
        assert prometheus_command(["--once", str(file)]) is None
    finally:
        VariableStore(client, "incident").delete("raw_data_nps")
    found = scraped(file.read_text())
    midnight = datetime.combine(today, datetime.min.time(), UTC).timestamp()
    assert found["daybook_up"] == {"": 1}
    assert found["daybook_table_loaded_until_timestamp_seconds"] == {NPS: midnight}
    assert found["daybook_table_open_incidents"][NPS] == 1
    assert found["daybook_table_open_incidents"]["analytics.nps_summary"] == 0

    away = {"DAYBOOK_WAREHOUSE_URL": f"postgresql+psycopg2://me:s3cret@127.0.0.1:{free_port()}/none"}
    make_blocks(warehouse.variables | away)
    assert prometheus_command(["--once", str(file)]) == 1
    assert scraped(file.read_text()) == {"daybook_up": {"": 0}}
    assert "s3cret" not in "".join(capsys.readouterr())


@contextlib.contextmanager
def served(good_for: float) -> Iterator[tuple[str, list[int]]]:
    """An exporter that is asked over HTTP, and how often it has asked for figures: the second time there are none."""
    asked: list[int] = []

    def find_out() -> Moment:
        asked.append(1)
        if len(asked) > 1:
            raise RuntimeError("away")
        return Moment(datetime.now(UTC), [], {})

    port = free_port()
    server, thread = start_http_server(
        port, "127.0.0.1", prometheus.registry_of(prometheus.Exporter(find_out, good_for))
    )
    yield f"http://127.0.0.1:{port}/metrics", asked
    server.shutdown()
    server.server_close()
    thread.join()


def read(url: str) -> dict[str, dict[str, float]]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return scraped(answer.read().decode())


def test_scrapes_at_the_same_time_ask_once() -> None:
    with served(3600) as (url, asked), ThreadPoolExecutor(8) as pool:
        assert [found["daybook_up"] for found in pool.map(read, [url] * 8)] == [{"": 1}] * 8
        assert len(asked) == 1


def test_a_scrape_that_finds_nothing_out_says_so_and_is_no_error() -> None:
    with served(0) as (url, asked):
        assert [read(url)["daybook_up"], read(url)] == [{"": 1}, {"daybook_up": {"": 0}}]
        assert len(asked) == 2


def test_a_port_that_is_taken_is_told_in_plain_words() -> None:
    with served(0) as (url, _):
        port = url.split(":")[2].split("/")[0]
        with pytest.raises(SystemExit, match=f"cannot serve at 127.0.0.1:{port}: .*: choose another --port"):
            prometheus_command(["--port", port])
