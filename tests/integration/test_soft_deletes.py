"""Rows that are deleted by a flag: kept as a flag, or taken out of the warehouse, as the table file says."""

from datetime import datetime
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard, SourceError, Superseded
from daybook.load.load import load
from daybook.model.interval import Interval
from daybook.orchestration.artifacts.load_report import markdown
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

pytestmark = pytest.mark.any_warehouse

#: How a row is flagged: the column in MariaDB and in PostgreSQL, a value of a living row, and one of a deleted one.
FLAGS: dict[str, tuple[str, str, Any, Any]] = {
    "boolean": ("bit(1)", "boolean", False, True),
    "number": ("tinyint(1)", "smallint", 0, 1),
    "decimal": ("decimal(3,1)", "numeric(3,1)", 0, "-0.5"),
    "moment": ("datetime(6)", "timestamp", None, "2021-02-07 12:00:00"),
    "date": ("date", "date", None, "2021-02-07"),
    "nothing is not deleted": ("tinyint(1)", "smallint", None, 1),
}


def make(ends: Endpoints, flag: str = "number") -> tuple[Any, Any]:
    """Ten rows a day for three days, all of them living. Returns the values of a living and of a deleted row."""
    mariadb, postgres, living, deleted = FLAGS[flag]
    clock, kind = ("datetime(6)", mariadb) if ends.source.is_mysql else ("timestamp", postgres)
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, modified {clock}, n int, gone {kind})")
    ends.source.run("CREATE INDEX things_modified ON things (modified)")
    ends.source.insert("things", [(n, f"2021-02-{5 + n // 10:02d} 0{n % 10}:00:00", n, living) for n in range(30)])
    return living, deleted


def table_of(ends: Endpoints, strategy: str = "upsert", on_delete: str = "apply", **fields: Any) -> Table:
    intervals = {} if strategy == "replace" else {"cursor": "modified", "interval": "day"}
    return ends.table(load=strategy, key=["id"], deleted="gone", on_delete=on_delete, **intervals, **fields)


def ids(ends: Endpoints, table: Table) -> list[int]:
    return [row[0] for row in ends.rows(table, "id")]


def delete(ends: Endpoints, flag: Any, *numbers: int, at: str | None = None) -> None:
    for number in numbers:
        ends.source.run("UPDATE things SET gone = %s WHERE id = %s", (flag, number))
        if at:
            ends.source.run("UPDATE things SET modified = %s WHERE id = %s", (at, number))


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_what_a_load_leaves_out_is_counted(ends: Endpoints) -> None:
    _, deleted = make(ends)
    delete(ends, deleted, 3, 4)
    table = table_of(ends)
    (notice,) = ends.load(table, "2021-02-05").notices
    assert notice == f"{table.name} 2021-02-05: 2 rows are flagged by gone and left out"
    null = "modified = NULL" if ends.source.is_mysql else "modified = NULL, n = NULL"
    ends.source.run(f"UPDATE things SET {null} WHERE id IN (5, 6, 7)")
    refresh = ends.load(table)
    cursor, flagged = refresh.notices
    assert "rows in which the cursor modified is NULL (3)" in cursor and "all of it: 2 rows are flagged" in flagged
    assert f"- {cursor}\n- {flagged}" in markdown(refresh)
    assert ends.load(table_of(ends, on_delete="keep"), "2021-02-06").notices == (cursor,)


@pytest.mark.pairwise
@pytest.mark.parametrize("flag", FLAGS)
def test_every_kind_of_flag(ends: Endpoints, flag: str) -> None:
    _, deleted = make(ends, flag)
    delete(ends, deleted, 3)
    table = table_of(ends)
    assert ends.load(table, "2021-02-05", "2021-02-08").rows == 29
    assert 3 not in ids(ends, table)
    delete(ends, deleted, 7, at="2021-02-07 13:00:00")
    ends.load(table, "2021-02-07")
    assert ids(ends, table) == [n for n in range(30) if n not in (3, 7)]


@pytest.mark.pairwise
@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
@pytest.mark.parametrize("strategy", ["replace", "replace_interval", "upsert"])
def test_applied_by_every_strategy(ends: Endpoints, strategy: str) -> None:
    living, deleted = make(ends)
    table = table_of(ends, strategy)
    days = () if strategy == "replace" else ("2021-02-05", "2021-02-08")
    ends.load(table, *days)
    delete(ends, deleted, 4, 14)
    report = ends.load(table, *days)
    assert ids(ends, table) == [n for n in range(30) if n not in (4, 14)]
    # the ledger says what is there, an interval at a time
    assert report.rows == 28
    assert [rows for _, _, rows, _ in ends.ledger(table)[-len(report.entries) :]] == (
        [28] if strategy == "replace" else [9, 9, 10]
    )
    # again is the same, and a row that comes back is there again
    before = ends.rows(table)
    ends.load(table, *days)
    assert ends.rows(table) == before
    delete(ends, living, 4)
    ends.load(table, *days)
    assert ids(ends, table) == [n for n in range(30) if n != 14]


@pytest.mark.parametrize("strategy", ["replace", "replace_interval", "upsert"])
def test_kept_as_a_flag(from_mysql: Endpoints, strategy: str) -> None:
    ends = from_mysql
    _, deleted = make(ends)
    delete(ends, deleted, 4)
    table = table_of(ends, strategy, "keep")
    assert ends.load(table, *(() if strategy == "replace" else ("2021-02-05", "2021-02-08"))).rows == 30
    assert [row for row in ends.rows(table, "id, gone") if row[1]] == [(4, 1)]


def test_applied_to_rows_that_had_been_kept(from_mysql: Endpoints) -> None:
    """The row in the warehouse is the very one that is loaded again: it goes, though nothing about it is new."""
    ends = from_mysql
    _, deleted = make(ends)
    delete(ends, deleted, 4)
    ends.load(table_of(ends, "upsert", "keep"), "2021-02-05")
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    assert ids(ends, table) == [n for n in range(10) if n != 4]


def test_an_older_row_never_deletes_a_newer_one(from_mysql: Endpoints) -> None:
    ends = from_mysql
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    ends.destination.run(f"UPDATE {ends.name(table)} SET modified = '2021-02-06 01:00:00' WHERE id = 4")
    delete(ends, 1, 4, 5)
    ends.load(table, "2021-02-05")
    assert ids(ends, table) == [n for n in range(10) if n != 5]


def test_of_rows_that_share_a_key_the_newest_says_whether_it_is_deleted(from_mysql: Endpoints) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, modified datetime, n int, gone tinyint, KEY (modified))")
    rows = [
        *[(1, "2021-02-05 01:00:00", 1, 1), (1, "2021-02-05 02:00:00", 2, 0)],  # made again after it was deleted
        *[(2, "2021-02-05 01:00:00", 1, 0), (2, "2021-02-05 02:00:00", 2, 1)],  # deleted after it was made
        *[(3, "2021-02-05 01:00:00", 1, 1), (3, "2021-02-05 01:00:00", 2, 0)],  # both at the same moment: it lives
        *[(n, "2021-02-05 03:00:00", n, 0) for n in range(4, 9)],
    ]
    ends.source.insert("things", rows)
    table = table_of(ends)
    for _ in range(2):
        ends.load(table, "2021-02-05")
        assert ends.rows(table, "id, n") == [(1, 2), (3, 2), *((n, n) for n in range(4, 9))]


@pytest.mark.parametrize("strategy", ["replace", "replace_interval"])
def test_a_deleted_row_may_share_its_key_with_a_living_one(from_mysql: Endpoints, strategy: str) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int, modified datetime, n int, gone tinyint, KEY (modified))")
    rows = [(1, "2021-02-05 01:00:00", 1, 1), (1, "2021-02-05 02:00:00", 2, 0), (2, "2021-02-05 02:00:00", 3, 0)]
    ends.source.insert("things", rows)
    table = table_of(ends, strategy)
    for _ in range(2):
        ends.load(table, *(() if strategy == "replace" else ("2021-02-05",)))
        assert ends.rows(table, "id, n") == [(1, 2), (2, 3)]


def test_a_deleted_row_that_has_moved_takes_its_old_copy_along(from_mysql: Endpoints) -> None:
    ends = from_mysql
    make(ends)
    table = table_of(ends, "replace_interval")
    ends.load(table, "2021-02-05", "2021-02-08")
    delete(ends, 1, 4, at="2021-02-07 12:00:00")
    ends.load(table, "2021-02-07")
    assert 4 not in ids(ends, table)


@pytest.mark.parametrize("strategy", ["replace", "replace_interval", "upsert"])
def test_a_flag_that_deletes_nearly_everything_is_stopped(from_mysql: Endpoints, strategy: str) -> None:
    ends = from_mysql
    make(ends)
    table = table_of(ends, strategy)
    days = () if strategy == "replace" else ("2021-02-05", "2021-02-08")
    ends.load(table, *days)
    ends.source.run("UPDATE things SET gone = 1 WHERE id % 10 > 3")
    before = ends.state(table)
    with pytest.raises(ShrinkGuard) as caught:
        ends.load(table, *days)
    assert "allow_shrink=true" in str(caught.value) and ends.state(table) == before
    assert ends.load(table, *days, allow_shrink=True).rows == 12
    # what has been allowed is what there is now: the guard is not told of the deleted rows again
    assert ends.load(table, *days).rows == 12
    assert ids(ends, table) == [n for n in range(30) if n % 10 <= 3]


def test_what_was_deleted_meanwhile_does_not_come_back(from_mysql: Endpoints) -> None:
    """An older snapshot still has the row, in another day, and nothing in the table says that it was deleted since."""
    ends = from_mysql
    _, deleted = make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-06")
    late = ends.extract(table, "2021-02-05")
    delete(ends, deleted, 4, at="2021-02-07 12:00:00")
    ends.load(table, "2021-02-07")
    before = ends.state(table)
    with pytest.raises(Superseded, match="Run it again"):
        load(late, ends.warehouse, ends.stage)
    assert ends.state(table) == before
    ends.load(table, "2021-02-05")
    assert ids(ends, table) == [n for n in range(30) if n != 4]


def test_a_dry_run_counts_what_would_be_there(ends: Endpoints) -> None:
    _, deleted = make(ends)
    delete(ends, deleted, 3, 4)
    day = Interval(datetime.fromisoformat("2021-02-05T00:00+00:00"), datetime.fromisoformat("2021-02-06T00:00+00:00"))
    for on_delete, rows in (("apply", 8), ("keep", 10)):
        table = table_of(ends, on_delete=on_delete)
        with table.source.open(table, ends) as source:
            assert source.counts([day]) == {day: rows}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"deleted": "gnoe"}, "no column 'gnoe'", id="no such column"),
        pytest.param({"deleted": "word", "on_delete": "keep"}, "word is varchar(5)", id="a text"),
    ],
)
def test_a_flag_that_says_nothing(from_mysql: Endpoints, fields: dict[str, str], said: str) -> None:
    ends = from_mysql
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, word varchar(5))")
    with pytest.raises(SourceError) as caught:
        ends.load(ends.table(**{"on_delete": "apply", **fields}))
    assert said in str(caught.value)
    assert ends.staged_keys() == []


def test_apply_needs_the_column() -> None:
    given = {"name": "raw.x", "description": "x", "owner": "x", "load": "replace", "on_delete": "apply"}
    with pytest.raises(ValueError, match="on_delete: apply needs deleted:"):
        Table.model_validate({**given, "source": {"kind": "database", "table": "a.b"}})
