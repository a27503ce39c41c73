"""Twenty loads at once, the first of them all included, leave one correct table and no failed load."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daybook.definitions.table import Table
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of

LOADS = 20
FIRST = datetime(2021, 2, 5)


@pytest.fixture(params=["postgres-folder", "redshift-s3", "redshift_serializable-s3"])
def ends(mysql_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """An empty warehouse: not even the ledger is there."""
    mysql_source.run("CREATE TABLE things (id int, at datetime, KEY (at))")
    rows = [(n, FIRST + timedelta(days=n // 10, seconds=n)) for n in range(LOADS * 10)]
    mysql_source.insert("things", rows)
    with ends_of(mysql_source, request.param, request, tmp_path) as both:
        with contextlib.suppress(Exception):
            both.destination.run("DROP SCHEMA daybook CASCADE")
        both.destination.run(f"DROP SCHEMA IF EXISTS {both.destination.quote(both.destination.namespace)} CASCADE")
        yield both


def without_key(ends: Endpoints) -> Table:
    """A key would hide rows that were loaded twice."""
    return ends.table(load="replace_interval", cursor="at", interval="day")


def at_once(ends: Endpoints, table: Table, dates: list[str]) -> None:
    """Load all dates at the same moment, every load on its own connections."""
    with ThreadPoolExecutor(len(dates)) as pool:
        loads = [pool.submit(ends.load, table, date) for date in dates]
    for load in loads:
        assert load.result().rows == 10


def test_one_date(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    table = without_key(ends)
    at_once(ends, table, ["2021-02-05"] * LOADS)
    assert not ends.on_redshift or "retry in" not in caplog.text, "a retry copies its rows again"
    assert ends.rows(table) == ends.source.run("SELECT * FROM things WHERE id < 10 ORDER BY id")
    counts = [entry[2] for entry in ends.ledger(table)]
    assert set(counts) == {10} and len(counts) <= LOADS, "a load that finds a newer one in its place does nothing"
    moments = ends.destination.run("SELECT loaded_at FROM daybook.ledger WHERE table_name = %s", (table.name,))
    assert len(set(moments)) == len(counts), "the newest entry is one, not several"


def test_twenty_dates(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    table = without_key(ends)
    dates = [f"{FIRST + timedelta(days=day):%Y-%m-%d}" for day in range(LOADS)]
    at_once(ends, table, dates)
    assert not ends.on_redshift or "retry in" not in caplog.text, "a retry copies its rows again"
    assert ends.rows(table) == ends.source.run("SELECT * FROM things ORDER BY id")
    assert sorted(entry[0].date().isoformat() for entry in ends.ledger(table) if entry[0]) == dates
