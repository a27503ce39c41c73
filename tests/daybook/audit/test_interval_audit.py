"""The audit of intervals, with every source and every warehouse."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from daybook.audit.comparison import Comparison
from daybook.audit.interval_audit import audit
from daybook.audit.rounds import in_rounds
from daybook.audit.verdict import Verdict
from daybook.errors import AuditRefused, ShrinkGuard
from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval
from tests.support.audited_tables import audited, by_hand, days, make, table_of, verdicts
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE, MYSQL

pytestmark = pytest.mark.any_warehouse


@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
def test_every_verdict(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    found = audited(ends, table)
    assert [str(result.verdict) for result in found] == ["equal"] * 3 + ["never loaded"]
    assert [result.differences.added for result in found] == [0, 0, 0, 10]
    ends.source.run("UPDATE things SET note = 'x' WHERE id IN (3, 25)")
    ends.source.run("DELETE FROM things WHERE id = 4")
    by_hand(ends, table, "DELETE FROM {table} WHERE id IN (12, 26)")
    by_hand(ends, table, "INSERT INTO {table} VALUES (99, '2021-02-08 01:00:00', 'y', 1, 0)")
    found = audited(ends, table)
    assert [str(result.verdict) for result in found] == [
        "source changed since",
        "warehouse altered",
        "source changed and warehouse altered",
        "warehouse altered",
    ]
    seen = [(d.added, d.removed, d.changed, d.exact) for d in (result.differences for result in found)]
    assert seen == [(0, 1, 1, True), (1, 0, 0, True), (1, 0, 1, True), (10, 1, 0, True)]
    assert found[0].differences.removed_keys == ("id=4",) and found[0].differences.changed_keys == ("id=3",)
    assert found[1].differences.added_keys == ("id=12",)
    assert found[3].differences.removed_keys == ("id=99",)
    # intervals do not have to be adjacent, and a statement may compare only a few
    some = [days()[0], days()[3]]
    again = audit(table, some, ends.warehouse, ends, look=1, rows=1)
    assert [result.verdict for result in again] == [found[0].verdict, found[3].verdict]
    # only the rows of the first one are compared
    first, second = (result.differences for result in again)
    assert first == found[0].differences
    assert (second.added, second.removed, second.changed, second.exact) == (9, 0, 0, False)


def test_the_warehouse_has_no_table_yet(from_mysql: Endpoints) -> None:
    make(from_mysql)
    found = audited(from_mysql, table_of(from_mysql))
    assert [(str(result.verdict), result.source.rows, result.warehouse.rows) for result in found] == [
        ("never loaded", 10, 0)
    ] * 4


def test_without_a_checksum_in_the_ledger_it_is_unknown_which_side_changed(from_postgres: Endpoints) -> None:
    ends = from_postgres
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-09")
    by_hand(ends, table, "DELETE FROM {table} WHERE id = 12")
    ends.destination.run("UPDATE daybook.ledger SET checksum = NULL")
    found = audited(ends, table)
    assert [str(result.verdict) for result in found] == ["equal", "differs", "equal", "equal"]
    assert "older version of Daybook" in found[1].why
    ends.load(table, "2021-02-06")
    assert verdicts(ends, table) == ["equal"] * 4


def test_a_row_without_a_cursor_belongs_to_no_interval(from_mysql: Endpoints) -> None:
    ends = from_mysql
    make(ends)
    table = table_of(ends)
    ends.load(table)
    ends.source.run("INSERT INTO things VALUES (77, NULL, 'nowhere', 1, 0)")
    assert verdicts(ends, table) == ["equal"] * 4


@pytest.mark.pairwise
@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
def test_rows_deleted_by_a_flag_are_not_expected(ends: Endpoints, load: str) -> None:
    make(ends)
    ends.source.run("UPDATE things SET gone = 1 WHERE id IN (3, 13)")
    table = table_of(ends, load, deleted="gone", on_delete="apply")
    ends.load(table, "2021-02-05", "2021-02-09")
    assert verdicts(ends, table) == ["equal"] * 4
    ends.source.run("UPDATE things SET gone = 1 WHERE id = 14")
    assert [(r.differences.removed, str(r.verdict)) for r in audited(ends, table)][1] == (1, "source changed since")


def test_masked_columns_are_compared_as_they_leave_the_source(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, mask={"id": "hash", "note": "hash", "price": "null", "gone": "drop"})
    ends.load(table, "2021-02-05", "2021-02-09")
    assert verdicts(ends, table) == ["equal"] * 4
    ends.source.run("UPDATE things SET price = 1, gone = 1 WHERE id = 12")
    assert verdicts(ends, table) == ["equal"] * 4
    ends.source.run("UPDATE things SET note = 'private' WHERE id = 12")
    found = audited(ends, table)[1]
    assert found.differences.changed == 1 and "id=12" not in found.differences.changed_keys[0]


def test_rows_that_moved_to_a_later_interval_are_not_a_difference(ends: Endpoints) -> None:
    """Rows that changed after the last load are in a later interval in the source, and in the old one in the table."""
    make(ends)
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05", "2021-02-08")
    ends.source.run("UPDATE things SET at = '2021-02-08 12:00:00', note = 'moved' WHERE id IN (3, 12)")
    assert verdicts(ends, table) == ["equal"] * 3 + ["never loaded"]
    # a repair for another reason keeps them, so they are never missing
    ends.source.run("DELETE FROM things WHERE id = 4")
    assert verdicts(ends, table) == ["source changed since", "equal", "equal", "never loaded"]
    ends.load(table, "2021-02-05", exact=True)
    assert [row[0] for row in ends.rows(table, "id")] == [n for n in range(30) if n != 4]
    assert verdicts(ends, table) == ["equal"] * 3 + ["never loaded"]
    # a load of their new interval moves them
    ends.load(table, "2021-02-08")
    assert verdicts(ends, table) == ["equal"] * 4
    # a load that is not exact never deletes rows
    ends.source.run("DELETE FROM things WHERE id = 5")
    ends.load(table, "2021-02-05")
    found = audited(ends, table)[0]
    assert found.verdict == Verdict.WAREHOUSE_ALTERED and "keeps such rows" in found.why
    ends.load(table, "2021-02-05", exact=True)
    assert verdicts(ends, table) == ["equal"] * 4
    by_hand(ends, table, "UPDATE {table} SET note = 'by hand' WHERE id = 6")
    found = audited(ends, table)[0]
    assert found.verdict == Verdict.WAREHOUSE_ALTERED and found.why is None, "the upsert has kept no row"
    assert not [key for key in ends.staged_keys() if "later" in key], "a load that was committed leaves nothing"


@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
def test_after_a_full_refresh_each_day_has_its_own_verdict(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table)
    ends.source.run("UPDATE things SET note = 'edited' WHERE id = 3")
    by_hand(ends, table, "DELETE FROM {table} WHERE id = 13")
    ends.source.run("DELETE FROM things WHERE id = 23")
    by_hand(ends, table, "DELETE FROM {table} WHERE id = 24")
    found = audited(ends, table, 5)
    assert [str(one.verdict) for one in found] == [
        "source changed since",
        "warehouse altered",
        "source changed and warehouse altered",
        "equal",
        "equal",
    ]
    assert [one.rows_by_ledger for one in found] == [10, 10, 10, 10, 0]
    ends.load(table, "2021-02-05")
    assert verdicts(ends, table)[:2] == ["equal", "warehouse altered"]


def test_a_checksum_by_md5_is_not_a_difference(from_mysql: Endpoints) -> None:
    """Older versions of Daybook wrote such checksums: for a day, and for each day of a full refresh."""
    ends = from_mysql
    make(ends)
    table = table_of(ends)
    ends.load(table)
    ends.load(table, "2021-02-05")
    for name in ("ledger", "checksums"):
        ends.destination.run(f"UPDATE daybook.{name} SET checksum = replace(checksum, 'sha256-', '') || '0'")
    assert [(found.verdict, found.why) for found in audited(ends, table)] == [(Verdict.EQUAL, None)] * 4
    ends.source.run("UPDATE things SET note = 'x' WHERE id IN (3, 13)")
    by_hand(ends, table, "DELETE FROM {table} WHERE id = 23")
    found = audited(ends, table)
    assert [str(one.verdict) for one in found] == ["differs"] * 3 + ["equal"]
    assert [one.differences.rows for one in found[:3]] == [1] * 3
    assert all("by MD5 instead of SHA-256" in one.why for one in found[:3])
    ends.load(table, "2021-02-05")
    ends.source.run("UPDATE things SET note = 'y' WHERE id IN (4, 14)")
    assert verdicts(ends, table) == ["source changed since", "differs", "differs", "equal"]


def test_an_exact_load_of_an_upsert_has_the_shrink_guard(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05", "2021-02-07")
    ends.source.run("UPDATE things SET at = '2021-02-07 12:00:00' WHERE id < 4")  # they stay until that day is loaded
    ends.source.run("DELETE FROM things WHERE id BETWEEN 4 AND 8")
    before = ends.rows(table, "id")
    with pytest.raises(ShrinkGuard, match=r"things.* 2021-02-05: the source has 1 rows, .* there were 6 "):
        ends.load(table, "2021-02-05", exact=True)
    assert ends.rows(table, "id") == before
    ends.load(table, "2021-02-05", exact=True, allow_shrink=True)
    assert [row[0] for row in ends.rows(table, "id")] == [0, 1, 2, 3, *range(9, 20)]


def test_moved_rows_of_an_upsert_make_the_ledger_checksum_useless(from_mysql: Endpoints) -> None:
    ends = from_mysql
    make(ends)
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05", "2021-02-08")
    ends.source.run("UPDATE things SET at = '2021-02-08 12:00:00' WHERE id = 3")
    ends.load(table, "2021-02-08")
    assert verdicts(ends, table) == ["equal"] * 4
    ends.source.run("DELETE FROM things WHERE id = 4")
    found = audited(ends, table)[0]
    assert found.verdict == Verdict.BOTH and "moved to later intervals" in found.why
    assert (found.differences.removed, found.differences.removed_keys) == (1, ("id=4",))


class Elsewhere:
    """Credentials of two blocks: loads use one, the audit uses the other."""

    def __init__(self, production: Database, replica: Database) -> None:
        self._engines = {"production": production.engine, "replica": replica.engine}
        self.opened: list[str] = []

    def engine(self, name: str) -> Engine:
        self.opened.append(name)
        return self._engines[name]


def test_the_audit_reads_the_replica_if_there_is_one(from_postgres: Endpoints) -> None:
    ends = from_postgres
    make(ends)
    source = {"kind": "database", "table": [ends.source.namespace, "things"], "replica": "replica"}
    table = table_of(ends, source=source)
    ends.keys = Elsewhere(ends.source, ends.source)
    ends.load(table, "2021-02-05")
    assert set(ends.keys.opened) == {"production"}
    ends.keys.opened.clear()
    assert audit(table, days(1), ends.warehouse, ends.keys)[0].verdict == Verdict.EQUAL
    assert set(ends.keys.opened) == {"replica"}


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_statement_that_takes_too_long_is_cancelled(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-09")
    nap = "SLEEP(5)" if ends.source.is_mysql else "length(pg_sleep(5)::text)"
    ends.source.run(f"CREATE VIEW slow AS SELECT id, at, note, price, gone + {nap} AS gone FROM things")
    source = {"kind": "database", "table": [ends.source.namespace, "slow"]}
    with pytest.raises(AuditRefused, match=r"2021-02-05 until 2021-02-09.*last=1.*an index on the column at"):
        audit(table_of(ends, source=source), days(), ends.warehouse, ends, seconds=1)


def test_a_table_that_cannot_be_compared_is_refused(from_postgres: Endpoints) -> None:
    ends = from_postgres
    make(ends)
    with pytest.raises(AuditRefused, match="audit_whole"):
        audited(ends, table_of(ends, "replace", cursor=None, interval=None, start=None))
    files = {"kind": "yfinance", "symbols": ["A"]}
    with pytest.raises(AuditRefused, match="yfinance"):
        audited(ends, table_of(ends, source=files, columns={"id": "integer", "at": "timestamp"}))


@pytest.mark.parametrize("source", MYSQL, indirect=True)
@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_load_during_the_audit_is_not_a_difference(ends: Endpoints) -> None:
    """Intervals that a load may have changed are compared again. On Redshift, the load waits for the audit."""
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    rounds: list[list[date]] = []

    def work(sides: Comparison, left: Sequence[Interval]) -> list[Any]:
        rounds.append([interval.start.date() for interval in left])
        source, there = sides.both.ask(lambda side: side.sums(left))
        if len(rounds) == 1:
            ends.source.run("DELETE FROM things WHERE id = 12")
            ends.load(table, "2021-02-06")
        return [(source[interval], there[interval], interval) for interval in left]

    def settled(found: Any, late: Sequence[Entry]) -> bool:
        return found[2].start not in {entry.start for entry in late}

    found = in_rounds(table, days(), ends.warehouse, ends, 60, work, settled, "things")
    assert rounds == [[day.start.date() for day in days()], [date(2021, 2, 6)]]
    assert [source.rows for (source, _, _), _ in found] == [10, 9, 10, 10]
    assert all(sure for _, sure in found)
