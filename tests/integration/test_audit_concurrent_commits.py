"""The checksum in the ledger is the checksum of the rows that the load committed, for each kind of load."""

import pytest

from daybook.audit.comparison import open_comparison
from daybook.definitions.table import Table
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum
from tests.support.audited_tables import days, make, table_of
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse


def kept(ends: Endpoints, table: Table) -> list[tuple[int, str | None]]:
    """Return (rows, checksum) of the entries, in the order in which they were written."""
    return ends.destination.run(
        "SELECT rows_loaded, checksum FROM daybook.ledger WHERE table_name = %s ORDER BY loaded_at, interval_start",
        (table.name,),
    )


def there(ends: Endpoints, table: Table, intervals: list[Interval]) -> list[tuple[int, str]]:
    """Return (rows, checksum) of the warehouse now: of each interval, or of the whole table without intervals."""
    with open_comparison(table, ends.warehouse, ends, 60) as sides:
        found = sides.both.warehouse.sums(intervals).values() if intervals else [sides.both.warehouse.whole()]
        return [(sum.rows, f"{sides.recipe.fingerprint}:{sum.sum}") for sum in found]


def told_apart(ends: Endpoints, table: Table) -> list[tuple[int, str]]:
    """Return (rows, checksum) of each interval with rows of a full refresh, which has one row in the ledger."""
    return ends.destination.run(
        "SELECT rows_loaded, checksum FROM daybook.checksums WHERE table_name = %s AND rows_loaded > 0 "
        "ORDER BY interval_start",
        (table.name,),
    )


@pytest.mark.pairwise
@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
@pytest.mark.parametrize("flagged", [False, True], ids=["all rows", "some deleted by a flag"])
def test_by_interval_and_whole(ends: Endpoints, load: str, flagged: bool) -> None:
    make(ends)
    ends.source.run("UPDATE things SET gone = 1 WHERE id = 3")
    table = table_of(ends, load, **({"deleted": "gone", "on_delete": "apply"} if flagged else {}))
    ends.load(table, "2021-02-05", "2021-02-07")  # creates the table
    assert [rows for rows, _ in kept(ends, table)] == [10 - flagged, 10]
    assert kept(ends, table) == there(ends, table, days(2))
    ends.source.run("UPDATE things SET note = 'x' WHERE id = 14")
    ends.load(table, "2021-02-06", "2021-02-09")
    assert kept(ends, table)[2:] == there(ends, table, days(4)[1:])
    ends.load(table)  # a full refresh
    assert kept(ends, table)[5:] == [(rows, None) for rows, _ in there(ends, table, [])]
    assert told_apart(ends, table) == there(ends, table, days(4))
    if load == "upsert":
        ends.source.run("DELETE FROM things WHERE id = 5")
        ends.load(table, "2021-02-05", exact=True)
        assert kept(ends, table)[6:] == there(ends, table, days(1))
        assert ends.rows(table, "count(*)") == [(39 - flagged,)]


def test_a_table_that_is_always_replaced(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, "replace", cursor=None, interval=None, start=None)
    for _ in range(2):
        ends.load(table)
        assert kept(ends, table)[-1:] == there(ends, table, [])
    assert Sum().rows == 0 and len(kept(ends, table)) == 2


def test_only_the_newest_row_of_a_key_counts(ends: Endpoints) -> None:
    clock = "datetime" if ends.source.is_mysql else "timestamp"
    ends.source.run(f"CREATE TABLE things (id int, at {clock}, note varchar(9))")
    ends.source.insert("things", [(1, "2021-02-05 01:00:00", "old"), (1, "2021-02-05 02:00:00", "new")])
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05")
    assert kept(ends, table) == there(ends, table, days(1))
    assert [rows for rows, _ in kept(ends, table)] == [1]
