"""Wait for an interval that is loaded already, is loaded later, or never."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from daybook.definitions.table import Table
from daybook.errors import IntervalError, NotLoadedInTime
from daybook.ledger.failures import Failures, now
from daybook.ledger.wait import wait_until_loaded
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

DAY, SHORT, LONG = date(2021, 2, 5), timedelta(milliseconds=200), timedelta(minutes=2)
POLL = timedelta(milliseconds=50)


@pytest.fixture
def ends(from_mysql: Endpoints) -> Endpoints:
    """Ten rows on each of two days."""
    from_mysql.source.run("CREATE TABLE things (id int, at datetime(6), KEY (at))")
    rows = [(n, datetime(2021, 2, 5) + timedelta(days=n // 10)) for n in range(20)]
    from_mysql.source.insert("things", rows)
    return from_mysql


@pytest.fixture
def table(ends: Endpoints) -> Table:
    return ends.table(load="replace_interval", cursor="at", interval="day")


def test_a_loaded_interval_returns_at_once(ends: Endpoints, table: Table) -> None:
    ends.load(table, "2021-02-05", "2021-02-07")
    entry = wait_until_loaded(table, date(2021, 2, 6), ends.warehouse, timedelta())
    assert entry.rows == 10 and entry.start and entry.start.day == 6


def test_a_full_refresh_counts(ends: Endpoints, table: Table) -> None:
    ends.load(table)
    assert wait_until_loaded(table, DAY, ends.warehouse, timedelta()).rows == 20


def test_waits_until_another_run_loads_the_interval(ends: Endpoints, table: Table) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_until_loaded, table, DAY, ends.warehouse, LONG, POLL)
        time.sleep(0.3)
        ends.load(table, "2021-02-06")
        time.sleep(0.3)
        assert not waiting.done(), "another day was loaded"
        (loaded,) = ends.load(table, "2021-02-05").entries
        assert waiting.result(timeout=120).loaded_at == loaded.loaded_at


def test_an_interval_that_is_not_loaded_in_time(ends: Endpoints, table: Table) -> None:
    ends.load(table, "2021-02-06")
    with pytest.raises(NotLoadedInTime) as caught:
        wait_until_loaded(table, DAY, ends.warehouse, SHORT, POLL)
    message = f"{table.name} 2021-02-05 was not loaded within 0:00:00.200000: check its runs, or set a longer timeout"
    assert str(caught.value) == message


def test_the_error_has_the_reason_of_the_last_failure(ends: Endpoints, table: Table) -> None:
    with ends.warehouse.session() as session:
        for error in ("no such table", "no such column"):
            assert table.grid is not None
            Failures(ends.warehouse).record(session, now(table.name, table.grid.at(DAY), None, error))
    with pytest.raises(NotLoadedInTime, match=r"Its last run failed: no such column$"):
        wait_until_loaded(table, DAY, ends.warehouse, SHORT, POLL)


def test_a_timeout_shorter_than_a_poll_is_kept(ends: Endpoints, table: Table) -> None:
    with pytest.raises(NotLoadedInTime):
        wait_until_loaded(table, DAY, ends.warehouse, SHORT, timedelta(days=1))


def test_a_table_without_intervals_is_refused_at_once(ends: Endpoints, table: Table) -> None:
    with pytest.raises(IntervalError, match="has no intervals, so there is nothing to wait for"):
        wait_until_loaded(ends.table(), DAY, ends.warehouse, LONG)
    with pytest.raises(IntervalError, match="No day starts at 2021-02-05T02:00:00"):
        wait_until_loaded(table, datetime(2021, 2, 5, 2), ends.warehouse, LONG)
