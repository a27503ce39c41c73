"""The verdicts of an audit, between every source and every warehouse."""

from datetime import UTC, datetime, timedelta
from typing import Any

from daybook.audit.audit import Audited, audit
from daybook.interval import Interval
from daybook.table import Table
from tests.daybook.ends import Ends

FIRST = datetime(2021, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def make(ends: Ends) -> None:
    """Ten rows a day for four days."""
    clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at {clock}, note varchar(40), price decimal(8,2))")
    ends.source.run("CREATE INDEX things_at ON things (at)")
    ends.source.insert(
        "things", [(n, f"2021-02-{5 + n // 10:02d} 0{n % 10}:00:00.25", f"ö {n}", n / 4) for n in range(40)]
    )


def table_of(ends: Ends, strategy: str = "replace_interval", **fields: Any) -> Table:
    return ends.table(load=strategy, key=["id"], cursor="at", interval="day", start=FIRST.date(), **fields)


def days(count: int) -> list[Interval]:
    return [Interval(FIRST + n * DAY, FIRST + (n + 1) * DAY) for n in range(count)]


def audited(ends: Ends, table: Table, count: int = 4, **options: Any) -> list[Audited]:
    return audit(table, days(count), ends.warehouse, ends, **options)


def by_hand(ends: Ends, table: Table, sql: str) -> None:
    ends.destination.run(sql.format(table=ends.name(table)))


def test_every_verdict(ends: Ends) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    found = audited(ends, table)
    assert [str(result.verdict) for result in found] == ["equal"] * 3 + ["never loaded"]
    assert [result.differences.added for result in found] == [0, 0, 0, 10]
    ends.source.run("UPDATE things SET note = 'x' WHERE id IN (3, 25)")
    ends.source.run("DELETE FROM things WHERE id = 4")
    by_hand(ends, table, "DELETE FROM {table} WHERE id IN (12, 26)")
    by_hand(ends, table, "INSERT INTO {table} VALUES (99, '2021-02-08 01:00:00', 'y', 1)")
    found = audited(ends, table)
    assert [str(result.verdict) for result in found] == [
        "source changed since",
        "warehouse altered",
        "source changed and warehouse altered",
        "warehouse altered",
    ]
    seen = [(d.added, d.removed, d.changed, d.exact) for d in (result.differences for result in found) if d]
    assert seen == [(0, 1, 1, True), (1, 0, 0, True), (1, 0, 1, True), (10, 1, 0, True)]
    assert found[0].differences.removed_keys == ("id=4",) and found[0].differences.changed_keys == ("id=3",)
    assert found[1].differences.added_keys == ("id=12",)
    assert found[3].differences.removed_keys == ("id=99",)
