"""In Redshift, a change of a column waits only briefly for open readers, and the error names their sessions."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from daybook.errors import TableLocked
from daybook.sql import retries
from daybook.warehouses.redshift import lock_holders
from daybook.warehouses.redshift import session as redshift_session
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database
from tests.support.summary_cli import Desk

STUCK = 30

pytestmark = pytest.mark.usefixtures("redshift")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make two tries with short waits, and list sessions of any age."""
    monkeypatch.setattr(redshift_session, "LOCK_TIMEOUT", 500)
    monkeypatch.setattr(lock_holders, "LOCK_TIMEOUT", -3000)
    monkeypatch.setattr(retries, "ATTEMPTS", 2)


@pytest.fixture
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with source_database("postgres", request) as source, ends_of(source, "redshift-s3", request, tmp_path) as both:
        yield both


def while_idle(database: Database, table: str, work: Callable[[], Any]) -> str:
    """Return the error of `work`, which an idle transaction that has read `table` blocks. A reader goes on."""
    over, count = threading.Event(), 0

    def read() -> None:
        nonlocal count
        while not over.is_set():
            database.run(f"SELECT count(*) FROM {table}")
            count += 1

    with database.connection() as idle, idle.cursor() as cursor, ThreadPoolExecutor(2) as pool:
        cursor.execute(f"SELECT * FROM {table}")
        reader = pool.submit(read)
        try:
            with pytest.raises(TableLocked) as caught:
                pool.submit(work).result(STUCK)
            assert f"pid {idle.info.backend_pid} (user awsuser" in str(caught.value)
            assert f"SELECT pg_terminate_backend({idle.info.backend_pid})" in str(caught.value)
        finally:
            over.set()
            idle.rollback()
            reader.result(STUCK)
    assert count
    return str(caught.value)


@pytest.mark.parametrize("change", ["ADD COLUMN colour varchar(10)", "ALTER COLUMN word TYPE varchar(20)"])
def test_a_load(ends: Endpoints, change: str) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, word varchar(10))")
    ends.source.insert("things", [(1, "a")])
    table = ends.table(load="replace", key=["id"], on_new_column="add")
    ends.load(table)
    ends.source.run(f"ALTER TABLE things {change}")
    before, types = ends.state(table), ends.destination.types(table.name)
    message = while_idle(ends.destination, table.name, lambda: ends.load(table))
    assert f"{table.name} all of it: ALTER TABLE" in message
    assert (ends.state(table), ends.destination.types(table.name)) == (before, types)
    ends.load(table)
    assert ends.destination.types(table.name) != types


@pytest.mark.parametrize("warehouse_ends", ["redshift-s3"], indirect=True)
def test_a_build(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9))
    desk.build(desk.summary("shape", "select id, score, at from {raw}.answers", key=["id"]))
    before, changed = desk.rows("shape"), desk.summary("shape", "select id, score from {raw}.answers", key=["id"])
    message = while_idle(desk.database, f"{desk.raw}.shape", lambda: desk.build(changed))
    assert f"{desk.raw}.shape: swap" in message and desk.rows("shape") == before
    desk.build(changed)
    assert desk.rows("shape") == [(1, 9)]
