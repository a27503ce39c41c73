"""The figures that Prometheus scrapes."""

import contextlib
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prometheus_client import start_http_server
from prometheus_client.parser import text_string_to_metric_families

from daybook.cli.prometheus import main as prometheus_command
from daybook.ledger.ledger import Coverage
from daybook.model.dataset import Dataset
from daybook.monitoring.freshness import Freshness, State
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.key_metrics.gauges import Moment
from daybook.orchestration.metrics import prometheus
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.orchestration.variable_store import VariableStore
from tests.support.declared_blocks import make_blocks
from tests.support.flow_fixtures import LiveWarehouse
from tests.support.loaded_days import NPS, record_loads
from tests.support.servers.ports import free_port


@pytest.fixture
def warehouse(small_project: Path, without_heartbeat: None, on_postgres: LiveWarehouse) -> LiveWarehouse:
    """An empty PostgreSQL, with its blocks."""
    on_postgres.empty()
    make_blocks(on_postgres.variables)
    return on_postgres


def scraped(text: str) -> dict[str, dict[str, float]]:
    families = text_string_to_metric_families(text)
    return {one.name: {s.labels.get("table", ""): s.value for s in one.samples} for one in families}


def test_prometheus_is_told_of_every_table_and_of_nothing_while_the_warehouse_is_away(
    warehouse: LiveWarehouse,
    client: SyncPrefectClient,
    small_project: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    today = datetime.now(UTC).date()
    record_loads(NPS, *((today - timedelta(days=back), datetime.now(UTC)) for back in (1, 2, 3)))
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

    rmtree(small_project / "tables")
    assert prometheus_command(["--once", str(file)]) is None, "a project without tables"
    assert scraped(file.read_text())["daybook_table_loaded_until_timestamp_seconds"] == {}

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


def test_the_answer_of_a_sleeping_warehouse_is_good_until_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows get older while the warehouse sleeps, so the ages are those of the scrape."""
    clock, asked, began = [0.0], list[float](), datetime.now(UTC)
    monkeypatch.setattr(prometheus, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    hour = timedelta(hours=1)
    ends = {NPS: Coverage(began, began - hour, began, began - hour)}

    def exporter(**fields: Any) -> Callable[[float], bool]:
        def find_out() -> Moment:
            asked.append(clock[0])
            return Moment(began, [Dataset(name=NPS, description="x", owner="x")], ends, **fields)

        made = prometheus.Exporter(find_out)

        def asks_at(seconds: float) -> bool:
            clock[0], before = seconds, len(asked)
            families = {one.name: one.samples for one in made.collect()}
            assert families["daybook_table_freshness_seconds"][0].value >= 3600
            assert families["daybook_computed_timestamp_seconds"][0].value == began.timestamp()
            return len(asked) > before

        return asks_at

    awake, asleep = exporter(), exporter(sleeps=True)
    soon = Freshness(NPS, "x", "UTC", State.FRESH, changes_at=began + timedelta(minutes=10))
    before_a_deadline = exporter(sleeps=True, freshness=[soon])
    assert [awake(0), awake(29), awake(30)] == [True, False, True]
    assert [asleep(0), asleep(3599), asleep(3600)] == [True, False, True]
    assert [before_a_deadline(0), before_a_deadline(599), before_a_deadline(600)] == [True, False, True]
