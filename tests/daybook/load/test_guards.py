"""Each guard stops what it is there for, says what to do, and leaves the table and the ledger alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import (
    CheckFailed,
    DaybookError,
    DuplicateKey,
    NullKey,
    OutsideInterval,
    RowCountMismatch,
    ShrinkGuard,
    SourceError,
    StageError,
    Superseded,
)
from daybook.load.extraction.extract import Extracted
from daybook.load.guards import duplicates
from daybook.load.load import load
from daybook.model.target import Target
from daybook.model.types import Column, parse_type
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of

pytestmark = pytest.mark.any_warehouse

FIRST = datetime(2021, 2, 5)


@pytest.fixture
def ends(from_mysql: Endpoints) -> Endpoints:
    """Ten rows a day for three days, without a key at the source."""
    from_mysql.source.run("CREATE TABLE things (id int, at datetime(6), score int, KEY (at))")
    rows = [(n, FIRST + timedelta(days=n // 10, hours=n % 10), n % 11) for n in range(30)]
    from_mysql.source.insert("things", rows)
    return from_mysql


def table_of(ends: Endpoints, load: str = "replace_interval", **fields: Any) -> Table:
    return ends.table(load=load, key=["id"], cursor="at", interval="day", **fields)


def stopped(ends: Endpoints, table: Table, kind: type[DaybookError], work: Callable[[], object], *said: str) -> None:
    """`work` ends with that error, which says all of `said`, and changes nothing."""
    before = ends.state(table)
    with pytest.raises(kind) as caught:
        work()
    assert type(caught.value) is kind
    for text in (table.name, *said):
        assert text in str(caught.value), str(caught.value)
    assert ends.state(table) == before


@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
def test_a_repair_keeps_what_was_brought_by_hand_and_is_gone_at_the_source(ends: Endpoints, load: str) -> None:
    table = table_of(ends, load)
    ends.load(table, "2021-02-05", "2021-02-08")
    ends.destination.run("DELETE FROM daybook.ledger WHERE interval_start = '2021-02-06'")
    ends.source.run("DELETE FROM things WHERE id BETWEEN 10 AND 16")
    stopped(
        *(ends, table, ShrinkGuard, lambda: ends.load(table, "2021-02-06", exact=True)),
        *("2021-02-06", "the source has 3 rows, but the warehouse has 10 rows that no load put there", "allow_shrink"),
    )
    ends.load(table, "2021-02-06", exact=True, allow_shrink=True)
    assert ends.rows(table, "count(*)") == [(23,)]


def test_two_rows_with_one_key(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.source.run("INSERT INTO things VALUES (25, '2021-02-07 23:00:00', 1)")
    with pytest.raises(DuplicateKey) as first:  # the first load has no staging table on PostgreSQL
        ends.load(table, "2021-02-07")
    assert "25" in str(first.value) and not ends.destination.types(table.name)
    ends.load(table, "2021-02-05")
    stopped(ends, table, DuplicateKey, lambda: ends.load(table, "2021-02-07"), "id=25 (2 rows)", "upsert")


#: Types of keys, a value of each, and its text in the message of a duplicate key.
KEYS = {
    "date": ("20210-02-05", "20210-02-05"),
    "timestamp": ("20210-02-05 12:30", "20210-02-05 12:30:00"),
    "timestamptz": ("infinity", "infinity"),
    "interval": ("1 mon", "1 mon"),
    "time": ("24:00", "24:00:00"),
    "bytea": ("\\x00ff", "\\x00ff"),
    "numeric": ("0.00000001", "0.00000001"),
    "int4range": ("[1,5)", "[1,5)"),
    "int[]": ("{1,2}", "{1,2}"),
    "double precision": ("-Infinity", "-Infinity"),
}


@pytest.mark.parametrize("type", KEYS)
def test_a_duplicate_key_is_shown_as_the_server_shows_it(
    postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path, type: str
) -> None:
    value, shown = KEYS[type]
    with ends_of(postgres_source, "postgres-folder", request, tmp_path) as ends:
        ends.source.run(f"CREATE TABLE things (id {type}, score int)")
        table = ends.table(key=["id"])
        ends.source.run("INSERT INTO things VALUES (%s, 1)", (value,))
        ends.load(table)
        ends.source.run("INSERT INTO things VALUES (%s, 2)", (value,))
        with ends.warehouse.session() as session:
            session.run("CREATE TEMP TABLE staged (id " + type + ")")
            session.run("INSERT INTO staged VALUES (%s), (%s)", (value, value))
            target = Target(table.name, (Column("id", parse_type("text")),), ("id",))
            assert duplicates(session, ends.warehouse, target, "staged") == [f"id={shown} (2 rows)"]
        with pytest.raises(DuplicateKey) as refused:
            ends.load(table)
        assert shown in str(refused.value)
        assert ends.destination.texts(f"SELECT id, score FROM {ends.name(table)}") == [(shown, "1")]


def test_upsert_takes_the_newest_and_says_so(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    table = table_of(ends, "upsert")
    ends.source.run("INSERT INTO things VALUES (25, '2021-02-07 23:00:00', 99), (25, '2021-02-07 01:00:00', -1)")
    for _ in range(2):
        ends.load(table, "2021-02-07")
        assert ends.rows(table)[5] == (25, datetime(2021, 2, 7, 23), 99)
        assert len(ends.rows(table)) == 10
        assert "the newest is loaded" in caplog.text and "id=25 (3 rows)" in caplog.text
        caplog.clear()


@pytest.mark.parametrize("strategy", ["replace_interval", "upsert"])
def test_a_row_without_its_key(ends: Endpoints, strategy: str) -> None:
    table = table_of(ends, strategy)
    ends.source.run("INSERT INTO things VALUES (NULL, '2021-02-07 23:00:00', 1)")
    with pytest.raises(NullKey):
        ends.load(table, "2021-02-07")
    ends.load(table, "2021-02-05")
    stopped(
        ends, table, NullKey, lambda: ends.load(table, "2021-02-07"), "1 rows have no key: id is NULL", "correct key:"
    )


def test_far_fewer_rows(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    ends.source.run("DELETE FROM things WHERE at >= '2021-02-06' AND at < '2021-02-07' AND id > 13")
    stopped(
        ends, table, ShrinkGuard, lambda: ends.load(table, "2021-02-05", "2021-02-08"),
        "2021-02-06", "has 4 rows", "there were 10", "50%", "allow_shrink=true", "shrink_limit:",
    )  # fmt: skip
    assert ends.load(table, "2021-02-06", allow_shrink=True).rows == 4
    # and one that leaves the half is none of the guard's business
    ends.source.run("DELETE FROM things WHERE id IN (13, 12)")
    assert ends.load(table, "2021-02-06").rows == 2
    # the whole table is guarded by all of its rows, an interval within a full refresh by those that are there
    ends.load(table)
    ends.source.run("DELETE FROM things WHERE id < 10")
    stopped(ends, table, ShrinkGuard, lambda: ends.load(table, "2021-02-05"), "2021-02-05", "there were 10")
    ends.source.run("DELETE FROM things WHERE id < 29")
    stopped(ends, table, ShrinkGuard, lambda: ends.load(table), "all of it", "has 1 rows", "there were 22")
    assert ends.load(table_of(ends, shrink_limit=0)).rows == 1


def test_a_check_of_the_table_file(ends: Endpoints) -> None:
    checks = [{"sql": "select count(*) from {table} where score not between 0 and 10", "equals": 0}]
    table = table_of(ends, checks=checks)
    ends.load(table, "2021-02-05")
    ends.source.run("UPDATE things SET score = 11 WHERE id = 15")
    load_second = lambda: ends.load(table, "2021-02-06")  # noqa: E731
    stopped(ends, table, CheckFailed, load_second, "2021-02-06", "score not between", "returned 1", "expected 0")
    ends.source.run("UPDATE things SET score = 10 WHERE id = 15")
    assert ends.load(table, "2021-02-06").rows == 10


def test_a_row_that_the_warehouse_reads_as_of_another_interval(ends: Endpoints) -> None:
    schema, table = ends.destination.quote(ends.destination.namespace), table_of(ends)
    ends.destination.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    ends.load(table, "2021-02-05")
    extracted = ends.extract(table, "2021-02-06")
    other = ends.extract(table, "2021-02-07")
    wrong = Extracted(
        extracted.plan, extracted.target, other.manifest, other.rows, other.snapshot_at, other.began_at, 0.0
    )
    stopped(
        ends, table, OutsideInterval, lambda: load(wrong, ends.warehouse, ends.stage), "10 of 10", "2021-02-06", "zone"
    )


def test_a_part_that_is_lost_or_damaged(ends: Endpoints, tmp_path: Path) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    for damage in ("lost", "damaged"):
        extracted = ends.extract(table, "2021-02-06")
        key = extracted.manifest.parts[0].key
        if damage == "lost":
            ends.stage.delete(key)
        else:
            ends.stage.put(key, ends.stage.get(key)[:-3])
        if ends.on_redshift:
            before = ends.state(table)
            with pytest.raises(DaybookError) as caught:
                load(extracted, ends.warehouse, ends.stage)
            assert extracted.manifest.prefix in "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
            assert ends.state(table) == before
            continue
        with pytest.raises(StageError, match=r"damaged|does not exist"):
            load(extracted, ends.warehouse, ends.stage)


def test_a_manifest_that_says_another_number_of_rows(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    extracted = ends.extract(table, "2021-02-06")
    part = replace(extracted.manifest.parts[0], rows=11)
    wrong = replace(extracted, manifest=replace(extracted.manifest, parts=(part,)))
    stopped(
        ends, table, RowCountMismatch, lambda: load(wrong, ends.warehouse, ends.stage), "11 rows", "COPY reported 10"
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"columns": {"id": "int", "at": "timestamp", "scoer": "int"}}, ["'scoer'", "did you mean 'score'"]),
        ({"source": {"kind": "database", "table": "no.such"}}, ["no.such"]),
        ({"columns": {"id": "int", "at": "date"}}, ["at", "timestamp"]),
    ],
    ids=["misspelt column", "no such table", "cursor cut to a date"],
)
def test_a_source_that_is_not_as_the_file_says(ends: Endpoints, fields: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        ends.load(table_of(ends, **fields), "2021-02-05")
    assert all(text in str(caught.value) for text in said), str(caught.value)


def test_a_cursor_without_an_index_is_told(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    ends.load(table_of(ends), "2021-02-05")
    assert "CREATE INDEX" not in caplog.text
    ends.source.run("DROP INDEX at ON things")
    ends.load(table_of(ends), "2021-02-05")
    assert "CREATE INDEX `things_at` ON" in caplog.text


def test_rows_without_a_cursor_are_told(
    source: Database, tmp_path: Path, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    with ends_of(source, "postgres-folder", request, tmp_path) as ends:
        source.run(
            f"CREATE TABLE things (id int PRIMARY KEY, at {'DATETIME' if source.is_mysql else 'timestamp'} NULL)"
        )
        source.run("CREATE INDEX things_at ON things (at)")
        source.insert("things", [(1, FIRST)])
        ends.load(table_of(ends), "2021-02-05")
        assert "the cursor at is NULL" not in caplog.text
        source.insert("things", [(2, None)])
        assert ends.load(table_of(ends), "2021-02-05").rows == 1
        assert "rows in which the cursor at is NULL" in caplog.text
        assert ends.load(table_of(ends)).rows == 2, "a full refresh has them all"


def test_an_older_snapshot_does_not_take_the_place_of_a_newer_one(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    older = ends.extract(table, "2021-02-05")
    ends.source.run("UPDATE things SET score = 99 WHERE id = 3")
    newer = ends.load(table, "2021-02-05")
    before = ends.state(table)
    assert load(older, ends.warehouse, ends.stage).entries == newer.entries
    assert ends.state(table) == before, "there was nothing left to do"


def test_a_range_keeps_the_part_of_it_that_is_newer(ends: Endpoints) -> None:
    table = table_of(ends)
    older = ends.extract(table, "2021-02-05", "2021-02-08")
    ends.source.run("UPDATE things SET score = 99 WHERE id = 13")
    ends.load(table, "2021-02-06")
    report = load(older, ends.warehouse, ends.stage)
    assert ends.rows(table) == ends.source.run("SELECT * FROM things WHERE at < '2021-02-08' ORDER BY id")
    assert [entry[0].day for entry in ends.ledger(table) if entry[0]] == [6, 5, 7], "the 6th is not loaded again"
    assert [entry.start.day for entry in report.entries if entry.start] == [5, 6, 7], (
        "and the report tells of all three"
    )


def test_a_row_that_moved_to_a_newer_interval_stays_there(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-07")
    older = ends.extract(table, "2021-02-05")
    ends.source.run("UPDATE things SET at = '2021-02-06 12:00:00', score = 99 WHERE id = 3")
    ends.load(table, "2021-02-06")
    load(older, ends.warehouse, ends.stage)
    assert ends.rows(table) == ends.source.run("SELECT * FROM things WHERE at < '2021-02-07' ORDER BY id")


def test_a_full_refresh_does_not_take_back_what_was_loaded_meanwhile(ends: Endpoints) -> None:
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    whole = ends.extract(table)
    ends.load(table, "2021-02-06")
    stopped(ends, table, Superseded, lambda: load(whole, ends.warehouse, ends.stage), "all of it", "newer snapshot")
    older = ends.extract(table)
    newer = ends.load(table)
    assert load(older, ends.warehouse, ends.stage).entries == newer.entries
    ends.load(table, "2021-02-06")
