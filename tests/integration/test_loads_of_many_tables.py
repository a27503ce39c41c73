"""Loads of different tables at once do not conflict, at either isolation level of Redshift: each of them copies once.

Redshift finds serialization conflicts per table, not per row: a cycle of transactions that read and write the same
tables ends with error 1023 (dg/c_serial_isolation-serializable-isolation-troubleshooting.html). All loads write to
`daybook.ledger`.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from daybook.definitions.table import Table
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

TABLES = 12
#: Keeps each transaction open after its reads, until all the others have read, too.
SLOW = {"match": '^INSERT INTO "daybook"."ledger"', "action": "delay", "seconds": 0.3, "times": 1000}


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
