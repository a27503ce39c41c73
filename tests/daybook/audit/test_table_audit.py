"""The audit of whole tables by ranges of their key."""

from datetime import date
from typing import Any

import pytest

from daybook.audit.key_ranges import KeyRange, evenly
from daybook.audit.table_audit import AuditedRange, audit_whole
from daybook.errors import AuditRefused
from tests.support.audited_tables import by_hand, make, table_of
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse


def whole(ends: Endpoints, table: Any, **options: Any) -> list[AuditedRange]:
    return audit_whole(table, ends.warehouse, ends, rows=10, batch=2, **options)


def test_a_table_without_intervals(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, "replace", cursor=None, interval=None, start=None)
    ends.load(table)
    found = whole(ends, table)
    assert [result.range for result in found] == [KeyRange(n, n + 10) for n in (0, 10, 20, 30)]
    assert {str(result.verdict) for result in found} == {"equal"}
    ends.source.run("INSERT INTO things VALUES (55, NULL, NULL, NULL, NULL)")
    ends.source.run("UPDATE things SET price = 7 WHERE id = 11")
    by_hand(ends, table, "INSERT INTO {table} VALUES (-4, NULL, NULL, NULL, NULL)")
    found = whole(ends, table)
    assert sum(result.source.rows for result in found) == sum(result.warehouse.rows for result in found) == 41
    assert [
        (d.added_keys, d.removed_keys, d.changed_keys)
        for d in (result.differences for result in found if result.verdict == "differs")
        if d
    ] == [((), ("id=-4",), ()), ((), (), ("id=11",)), (("id=55",), (), ())]


def test_an_upsert_is_compared_up_to_its_newest_load(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05", "2021-02-08")
    ends.source.run("UPDATE things SET at = '2021-02-08 12:00:00' WHERE id = 3")  # moves to a later day
    ends.source.run("INSERT INTO things VALUES (77, NULL, 'in no interval', 1, 0)")
    assert {str(result.verdict) for result in whole(ends, table)} == {"equal"}
    ends.source.run("DELETE FROM things WHERE id = 4")
    (differs,) = [result for result in whole(ends, table) if result.verdict != "equal"]
    assert differs.differences.removed_keys == ("id=4",)


@pytest.mark.parametrize(
    ("load", "dates", "differing"),
    [("replace", (), 2), ("replace_interval", (), 2), ("replace_interval", ("2021-02-06", "2021-02-09"), 1)],
    ids=["replace", "full refresh", "intervals"],
)
def test_rows_before_the_start_are_not_missing(
    from_mysql: Endpoints, load: str, dates: tuple[str, ...], differing: int
) -> None:
    """A full refresh has loaded them, and loads of intervals have not."""
    make(from_mysql)
    table = table_of(from_mysql, load, start=date(2021, 2, 6))
    from_mysql.load(table, *dates)
    assert {str(result.verdict) for result in whole(from_mysql, table)} == {"equal"}
    from_mysql.source.run("DELETE FROM things WHERE id IN (3, 33)")
    assert [str(result.verdict) for result in whole(from_mysql, table)].count("differs") == differing


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"key": []}, "it has no key: add key:"),
        ({"key": ["note"]}, "note is varchar"),
        ({"key": ["id"], "mask": {"id": "hash"}}, "id is varchar"),
    ],
    ids=["no key", "a text", "a hash"],
)
def test_refused(from_mysql: Endpoints, fields: dict[str, Any], why: str) -> None:
    ends = from_mysql
    make(ends)
    table = table_of(ends, "replace", cursor=None, interval=None, start=None, **{"key": [], **fields})
    ends.load(table)
    with pytest.raises(AuditRefused, match=why):
        whole(ends, table)


def test_never_loaded(from_mysql: Endpoints) -> None:
    make(from_mysql)
    with pytest.raises(AuditRefused, match="never loaded"):
        whole(from_mysql, table_of(from_mysql))


@pytest.mark.parametrize(
    ("ends", "ranges"),
    [
        ([], []),
        ([(5, 5, 1)], [(5, 6)]),
        ([(1, 20, 20), (0, 3, 2)], [(0, 10), (10, 21)]),
        ([(-10, 9, 20)], [(-10, 0), (0, 10)]),
        ([(1, 3, 1000)], [(1, 2), (2, 3), (3, 4)]),
    ],
)
def test_ranges(ends: list[tuple[int, int, int]], ranges: list[tuple[int, int]]) -> None:
    assert evenly(ends, 10) == ranges
