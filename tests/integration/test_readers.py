"""A reader never waits for a load or a build, not even behind an open transaction, and never sees a part of it.

Redshift's LOCK waits for each open reader, and later readers queue behind it (dg/r_LOCK.html), so a load must not use
it on a table with readers.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.summary_cli import PER_DAY, Desk

#: Seconds after which a load or a reader counts as stuck.
STUCK = 30
#: Keeps a transaction open after its changes.
SLOW = {"match": '^INSERT INTO "daybook"."ledger"', "action": "delay", "seconds": 0.8, "times": 100}


@contextlib.contextmanager
def slow_transactions(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """Let transactions of the Redshift emulator stay open for a while. Those of PostgreSQL are short."""
    with contextlib.ExitStack() as stack:
        if database.engine.dialect.name == "redshift":
            server: Redshift = request.getfixturevalue("redshift")
            stack.enter_context(server.faults(SLOW))
        yield


def while_reading(database: Database, query: str, work: Callable[[], Any]) -> tuple[list[tuple[Any, ...]], float]:
    """Run `work` while a transaction that has run `query` stays open, and a reader runs it again and again.

    Returns the different answers that the reader got, in their order, and the seconds of its longest query.
    """
    over, answers, longest = threading.Event(), list[tuple[Any, ...]](), 0.0

    def read() -> None:
        nonlocal longest
        with database.connection() as connection, connection.cursor() as cursor:
            last = False
            while not last:
                last, began = over.is_set(), time.monotonic()
                cursor.execute(query)
                longest = max(longest, time.monotonic() - began)
                answer = tuple(cursor.fetchone())
                connection.rollback()
                if answers[-1:] != [answer]:
                    answers.append(answer)

    with database.connection() as held, held.cursor() as cursor, ThreadPoolExecutor(2) as pool:
        cursor.execute(query)
        reader = pool.submit(read)
        try:
            pool.submit(work).result(STUCK)
            assert held.info.transaction_status == 2, "the transaction of the first reader is still open"
        finally:
            over.set()
            held.rollback()
            reader.result(STUCK)
    return answers, longest


@pytest.mark.parametrize("strategy", ["upsert", "replace_interval", "replace"])
def test_a_load(from_postgres: Endpoints, strategy: str, request: pytest.FixtureRequest) -> None:
    ends = from_postgres
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, version int)")
    ends.source.insert("things", [(n, f"2021-02-0{5 + n // 50} 01:00:00", 1) for n in range(100)])
    grid = {} if strategy == "replace" else {"cursor": "at", "interval": "day"}
    table = ends.table(load=strategy, key=["id"], **grid)
    ends.load(table)
    ends.source.run("UPDATE things SET version = 2, at = at + interval '1 hour'")
    days = () if strategy == "replace" else ("2021-02-05", "2021-02-07")
    query = f"SELECT count(*), min(version), max(version) FROM {ends.name(table)}"
    with slow_transactions(ends.destination, request):
        answers, longest = while_reading(ends.destination, query, lambda: ends.load(table, *days))
    assert answers == [(100, 1, 1), (100, 2, 2)]
    assert longest < SLOW["seconds"], "the reader waited for the load's transaction"


SUMMARIES = {
    "whole": "select id, score from {raw}.answers",
    "of intervals": PER_DAY.replace("count(*) as answers, sum(score) as total", "max(id) as id, max(score) as score"),
}


@pytest.mark.parametrize("sql", SUMMARIES)
def test_a_build(desk: Desk, sql: str, request: pytest.FixtureRequest) -> None:
    fields: dict[str, Any] = {"key": ["day"], "interval": "day", "cursor": "day"} if sql != "whole" else {"key": ["id"]}
    summary = desk.summary("seen", SUMMARIES[sql], **fields)
    for day in (5, 6):
        desk.answer((day, f"2021-02-0{day} 10:00", 1), load=f"2021-02-0{day}")
    desk.build(summary)
    desk.run("UPDATE {raw}.answers SET score = 2")
    for day in (5, 6):
        desk.note("answers", f"2021-02-0{day}")
    query = f"SELECT count(*), min(score), max(score) FROM {desk.raw}.seen"
    with slow_transactions(desk.database, request):
        answers, longest = while_reading(desk.database, query, lambda: desk.build(summary))
    assert answers == [(2, 1, 1), (2, 2, 2)]
    assert longest < SLOW["seconds"], "the reader waited for the build's transaction"
