"""The table of the audit tests, with ten rows on each of four days in the source and in the warehouse."""

from datetime import UTC, datetime, timedelta
from typing import Any

from daybook.audit.interval_audit import Audited, audit
from daybook.definitions.table import Table
from daybook.model.interval import Interval
from tests.support.source_and_warehouse import Endpoints

FIRST = datetime(2021, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def make(ends: Endpoints) -> None:
    clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
    ends.source.run(
        f"CREATE TABLE things (id int PRIMARY KEY, at {clock}, note varchar(40), price decimal(8,2), gone smallint)"
    )
    ends.source.run("CREATE INDEX things_at ON things (at)")
    rows = [(n, f"2021-02-{5 + n // 10:02d} 0{n % 10}:00:00.25", f"ö {n}", n / 4, 0) for n in range(40)]
    ends.source.insert("things", rows)


def table_of(ends: Endpoints, load: str = "replace_interval", **fields: Any) -> Table:
    given = {"cursor": "at", "interval": "day", "start": FIRST.date(), "key": ["id"]}
    return ends.table(load=load, **(given | fields))


def days(count: int = 4) -> list[Interval]:
    return [Interval(FIRST + n * DAY, FIRST + (n + 1) * DAY) for n in range(count)]


def audited(ends: Endpoints, table: Table, count: int = 4, **options: Any) -> list[Audited]:
    return audit(table, days(count), ends.warehouse, ends, **options)


def verdicts(ends: Endpoints, table: Table, count: int = 4) -> list[str]:
    return [str(found.verdict) for found in audited(ends, table, count, look=0)]


def by_hand(ends: Endpoints, table: Table, sql: str) -> None:
    """Edit the warehouse by hand."""
    ends.destination.run(sql.format(table=ends.name(table)))
