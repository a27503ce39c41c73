"""Every source × warehouse × strategy keeps one contract."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

STRATEGIES = ["replace", "replace_interval", "upsert"]
FIRST = datetime(2021, 2, 5)
DAY = timedelta(days=1)

Row = tuple[int, datetime, datetime, int, str]


def answers(first_id: int, day: int, count: int) -> list[Row]:
    """`count` answers of the day with this number, counted from 0."""
    moments = [FIRST + day * DAY + timedelta(seconds=17 * number, microseconds=number) for number in range(count)]
    return [(first_id + n, moment, moment, n % 11, f'"{n}", ja') for n, moment in enumerate(moments)]


def make_source(ends: Endpoints) -> None:
    clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
    ends.source.run(
        f"CREATE TABLE nps (id bigint PRIMARY KEY, created_at {clock}, modified {clock}, score smallint, note text)"
    )
    for column in ("created_at", "modified"):
        ends.source.run(f"CREATE INDEX nps_{column} ON nps ({column})")
    ends.source.insert("nps", [row for day in range(3) for row in answers(day * 100, day, 20)])


def nps(ends: Endpoints, strategy: str, **fields: Any) -> Table:
    intervals = {} if strategy == "replace" else {"interval": "day", "start": FIRST.date() - 400 * DAY}
    cursor = {"replace": None, "replace_interval": "created_at", "upsert": "modified"}[strategy]
    return ends.table("nps", load=strategy, key=["id"], cursor=cursor, **intervals, **fields)


def at_source(ends: Endpoints) -> list[Row]:
    return ends.source.run("SELECT * FROM nps ORDER BY id")


def days(rows: list[Row], *numbers: int) -> list[Row]:
    return [row for row in rows if (row[1] - FIRST).days in numbers]


@pytest.mark.pairwise
@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_contract(ends: Endpoints, strategy: str) -> None:
    make_source(ends)
    table = nps(ends, strategy)
    by_interval = strategy != "replace"

    def load(first: str, until: str | None = None, **options: Any) -> int:
        return ends.load(table, *((first, until) if by_interval else ()), **options).rows

    # the first load makes schema and table, and holds its interval alone
    original = at_source(ends)
    first_day = days(original, 0) if by_interval else original
    assert load("2021-02-05") == len(first_day)
    assert ends.rows(table) == first_day

    # repeated, it gives the same rows
    assert load("2021-02-05") == len(first_day)
    assert ends.rows(table) == first_day

    # a range is one run
    load("2021-02-06", "2021-02-08")
    assert ends.rows(table) == original

    # inserted, updated and deleted at the source
    ends.source.insert("nps", answers(50, 0, 3))
    ends.source.run("UPDATE nps SET note = '', modified = '2021-02-07 12:00:00' WHERE id = 101")
    ends.source.run("UPDATE nps SET note = NULL, modified = '2021-02-07 12:00:00' WHERE id = 102")
    ends.source.run("DELETE FROM nps WHERE id = 103")
    load("2021-02-05", "2021-02-08")
    gone = days(original, 1)[3:4]
    expected = sorted([*at_source(ends), *(gone if strategy == "upsert" else [])])
    assert ends.rows(table) == expected

    # an interval that is emptied at the source: a replacement asks first, an upsert has nothing to do
    ends.source.run("DELETE FROM nps WHERE created_at >= '2021-02-06' AND created_at < '2021-02-07'")
    if strategy == "replace_interval":
        with pytest.raises(ShrinkGuard):
            load("2021-02-06")
        assert ends.rows(table) == expected
        assert len(ends.staged_keys()) == 1  # the manifest of an extraction without rows
        assert load("2021-02-06", allow_shrink=True) == 0
        assert ends.rows(table) == at_source(ends)
    elif strategy == "upsert":
        assert load("2021-02-06") == 0
        assert ends.rows(table) == expected

    # the whole of it
    refreshed = ends.load(table)
    assert refreshed.rows == len(at_source(ends))
    assert ends.rows(table) == at_source(ends)

    if by_interval:
        # many intervals in one run, each with its own entry, most of them without a row
        ends.source.insert("nps", [*answers(-500, -400, 7), *answers(-300, -1, 9)])
        report = load("2020-01-02", "2021-02-05")
        assert len(report_entries := ends.ledger(table)[-400:]) == 400
        assert sum(entry[2] for entry in report_entries) == report == 16
        assert [entry[2] for entry in report_entries][:2] == [7, 0] and report_entries[-1][2] == 9
        assert ends.rows(table) == at_source(ends)
    kept = {key for key in ends.staged_keys() if "manifest" not in key}
    assert not kept, "a load that was committed leaves nothing on the stage"


@pytest.mark.each_value
@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_ledger_agrees(ends: Endpoints, strategy: str) -> None:
    make_source(ends)
    table = nps(ends, strategy)
    if strategy == "replace":
        snapshot = ends.load(table).entries[0].end
        assert ends.ledger(table) == [(None, snapshot, 60, "replace")]
        assert abs(datetime.now(UTC) - snapshot) < timedelta(minutes=5)
        return
    ends.load(table, "2021-02-05")
    ends.load(table, "2021-02-05", "2021-02-07")
    snapshot = ends.load(table).entries[0].end
    start = FIRST.replace(tzinfo=UTC)
    assert ends.ledger(table) == [
        (start, start + DAY, 20, strategy),
        (start, start + DAY, 20, strategy),
        (start + DAY, start + 2 * DAY, 20, strategy),
        (start - 400 * DAY, snapshot, 60, "replace"),
    ]


@pytest.mark.each_value
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_hangs_on_the_table_survives(from_mysql: Endpoints, strategy: str) -> None:
    ends = from_mysql
    make_source(ends)
    table = nps(ends, strategy)
    ends.load(table)
    name, schema = ends.name(table), ends.destination.namespace
    if not ends.destination.run("SELECT 1 FROM pg_user WHERE usename = 'reader'"):
        ends.destination.run("CREATE USER reader PASSWORD 'Reader123'")
    ends.destination.run(f"GRANT SELECT ON {name} TO reader")
    ends.destination.run(f"COMMENT ON TABLE {name} IS 'asked of everybody'")
    ends.destination.run(f"COMMENT ON COLUMN {name}.score IS '0 to 10'")
    ends.destination.run(f"CREATE VIEW {schema}.daily AS SELECT count(*) AS n, sum(score) AS total FROM {name}")
    ends.source.run("UPDATE nps SET score = score + 1")
    ends.load(table)
    assert ends.rows(table) == at_source(ends)
    ((count, total),) = ends.destination.run(f"SELECT n, total FROM {schema}.daily")
    assert (count, total) == (60, sum(row[3] for row in at_source(ends)))
    assert ends.destination.run(f"SELECT has_table_privilege('reader', '{table.name}', 'select')") == [(True,)]
    comments = f"SELECT description FROM pg_description WHERE objoid = '{table.name}'::regclass ORDER BY objsubid"
    assert ends.destination.run(comments) == [("asked of everybody",), ("0 to 10",)]


@pytest.mark.each_value
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_reader_sees_the_old_rows_or_the_new_ones(from_mysql: Endpoints, strategy: str) -> None:
    ends = from_mysql
    make_source(ends)
    table = nps(ends, strategy)
    ends.load(table)
    totals = {60 * 0 + sum(row[3] for row in at_source(ends))}
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()

    def read() -> None:
        with ends.destination.connection() as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not stop.is_set():
                cursor.execute(f"SELECT count(*), sum(score) FROM {ends.name(table)}")
                seen.add(tuple(cursor.fetchone()))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(5):
            ends.source.run("UPDATE nps SET score = score + 1")
            totals.add(sum(row[3] for row in at_source(ends)))
            ends.load(table, *(() if strategy == "replace" else ("2021-02-05", "2021-02-08")))
    finally:
        stop.set()
        reader.join()
    assert len(totals) == 6
    assert seen <= {(60, total) for total in totals}
    assert len(seen) > 1, "the reader read while loads were committed"
