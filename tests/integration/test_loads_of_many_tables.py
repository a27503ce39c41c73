"""Loads of different tables at once do not conflict, at either isolation level of Redshift: each of them copies once.

Redshift finds serialization conflicts per table, not per row: a cycle of transactions that read and write the same
tables ends with error 1023 (dg/c_serial_isolation-serializable-isolation-troubleshooting.html). All loads write to
`daybook.ledger`.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daybook.audit.audit_log import Audits, Found
from daybook.definitions.table import Table
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database
from tests.support.summary_cli import ANSWERS, Desk

TABLES = 12
#: Keeps each transaction open after its reads, until all the others have read, too.
SLOW = {"match": '^INSERT INTO "daybook"."ledger"', "action": "delay", "seconds": 0.3, "times": 1000}

#: The result of an audit.
AT = datetime(2021, 2, 5, tzinfo=UTC)
FOUND = Found("", AT, AT, "equal", 1, 1, 1, 0, 0, 0, True, "{}", None, None, "", AT, None)


@pytest.fixture
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield an empty warehouse with serializable isolation: not even the ledger exists."""
    with (
        source_database("postgres", request) as source,
        ends_of(source, "redshift_serializable-s3", request, tmp_path) as both,
    ):
        with contextlib.suppress(Exception):
            both.destination.run("DROP SCHEMA daybook CASCADE")
        yield both


def tables_of(ends: Endpoints) -> list[Table]:
    """Return tables of every strategy, each with five rows a day for two days."""
    fields = [
        {"load": "replace_interval", "cursor": "at", "interval": "day"},
        {"load": "upsert", "cursor": "at", "interval": "day", "key": ["id"]},
        {"load": "replace", "key": ["id"]},
    ]
    tables = []
    for number in range(TABLES):
        ends.source.run(f"CREATE TABLE t{number} (id int, at timestamp)")
        ends.source.insert(f"t{number}", [(n, f"2021-02-0{5 + n // 5} 01:00:00") for n in range(10)])
        tables.append(ends.table(f"t{number}", **fields[number % 3]))
    return tables


def load_all(ends: Endpoints, tables: list[Table], day: str) -> None:
    with ThreadPoolExecutor(len(tables)) as pool:
        loads = [pool.submit(ends.load, table, *(() if table.load == "replace" else (day,))) for table in tables]
        for load in loads:
            load.result()


def test_twelve_tables_at_once(
    ends: Endpoints, redshift_serializable: Redshift, caplog: pytest.LogCaptureFixture
) -> None:
    tables, log = tables_of(ends), redshift_serializable.log
    for day in ("2021-02-05", "2021-02-06"):
        begin = log.stat().st_size
        with redshift_serializable.faults(SLOW):
            load_all(ends, tables, day)
        copies = [sql for sql in redshift_serializable.statements(begin) if sql.startswith("COPY")]
        assert len(copies) == TABLES
        assert "retry in" not in caplog.text
    for number, table in enumerate(tables):
        assert ends.rows(table) == ends.source.run(f"SELECT * FROM t{number} ORDER BY id")


def test_builds_and_audits_at_once(
    ends: Endpoints, redshift_serializable: Redshift, caplog: pytest.LogCaptureFixture
) -> None:
    """Builds append to `daybook.inputs` and `daybook.moves`, too, and audits to `daybook.audits`."""
    desk, audits = Desk(ends, ends.destination.namespace), Audits(ends.warehouse)
    desk.run(ANSWERS)
    for day in (5, 6):
        desk.answer((day, f"2021-02-0{day} 10:00", day), load=f"2021-02-0{day}")
    summaries = [
        desk.summary(f"s{n}") if n % 2 else desk.summary(f"s{n}", "select id, score from {raw}.answers", key=["id"])
        for n in range(6)
    ]
    found = [replace(FOUND, table_name=f"{desk.raw}.t{n}") for n in range(6)]

    def audit(found: Found) -> None:
        with ends.warehouse.session() as session:
            audits.record(session, [found])

    slow = [{**SLOW, "match": f'^INSERT INTO "daybook"."{name}"'} for name in ("ledger", "audits")]
    for _ in ("first", "later"):
        with redshift_serializable.faults(*slow), ThreadPoolExecutor(12) as pool:
            work = [pool.submit(desk.build, summary) for summary in summaries]
            work += [pool.submit(audit, one) for one in found]
            for done in work:
                done.result()
        desk.note("answers", "2021-02-05")
    assert "retry in" not in caplog.text
    assert [len(desk.rows(summary.table_name)) for summary in summaries] == [2] * 6
    assert desk.run("SELECT count(*) FROM daybook.audits WHERE table_name LIKE '{raw}.t%%'", ()) == [(6,)]
