"""A full refresh takes all that the source has. `start:` bounds only the intervals that are owed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.audit.table_audit import audit_whole
from daybook.definitions.table import Table
from daybook.errors import IntervalError, ShrinkGuard
from daybook.ledger.interval_status import read_statuses
from daybook.load.planning.owed_intervals import expected_intervals
from daybook.model.interval_grid import Grid
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE

pytestmark = pytest.mark.any_warehouse

ON_EVERY_WAREHOUSE = pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
#: The cursor's type in MariaDB and in PostgreSQL.
CLOCKS = {"date": ("date", "date"), "time": ("datetime(6)", "timestamp"), "instant": ("timestamp(6)", "timestamptz")}
START, NOW = date(2021, 2, 5), datetime(2021, 2, 8, 12, tzinfo=UTC)
DAYS = Grid("day", "America/Santiago").between(date(2021, 2, 3), date(2021, 2, 8))


def make(ends: Endpoints, clock: str = "time") -> None:
    """Three rows before the start, one without a cursor, and one on each of three days."""
    kind = CLOCKS[clock][not ends.source.is_mysql]
    ends.source.run(
        f"CREATE TABLE things (id int PRIMARY KEY, at {kind} {'NULL' if ends.source.is_mysql else ''}, note varchar(9))"
    )
    ends.source.run("CREATE INDEX things_at ON things (at)")
    moments = ["1999-12-31 12:00", "2021-01-31 12:00", "2021-02-04 12:00", None]
    moments += [f"2021-02-0{day} 12:00" for day in (5, 6, 7)]
    ends.source.insert("things", [(n, moment, "a") for n, moment in enumerate(moments)])


def table_of(ends: Endpoints, load: str = "replace_interval", **fields: Any) -> Table:
    given: dict[str, Any] = {"cursor": "at", "interval": "day", "start": START, "timezone": "America/Santiago"}
    return ends.table(load=load, key=["id"], **given | fields)


def loaded(ends: Endpoints, table: Table) -> list[tuple[Any, ...]]:
    return ends.rows(table, "id, note")


def all_rows(ends: Endpoints) -> list[tuple[Any, ...]]:
    return ends.source.run("SELECT id, note FROM things ORDER BY 1")


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize("load", ["replace", "replace_interval", "upsert"])
@pytest.mark.parametrize("clock", CLOCKS)
def test_it_loads_what_is_older_than_the_start(ends: Endpoints, load: str, clock: str) -> None:
    make(ends, clock)
    table = table_of(ends, load)
    report = ends.load(table)
    assert (report.rows, loaded(ends, table)) == (7, all_rows(ends))
    assert [(start, rows) for start, _, rows, _ in ends.ledger(table)] == [(DAYS[2].start, 7)]
    if load == "replace":
        return
    assert [one.state.value for one in read_statuses(ends.warehouse, table, DAYS)] == ["missing"] * 2 + ["loaded"] * 3
    owed = [interval for interval in expected_intervals(table, NOW) if interval.end <= DAYS[-1].end]
    assert owed == DAYS[2:], "the start still bounds what is owed"
    assert [str(one.verdict) for one in audit(table, owed, ends.warehouse, ends)] == ["equal"] * 3
    with pytest.raises(IntervalError, match="before the table's start"):
        ends.load(table, "2021-02-04")


@pytest.mark.pairwise
@ON_EVERY_WAREHOUSE
@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
def test_loads_of_intervals_go_on_after_it(ends: Endpoints, load: str) -> None:
    """A row that is older than the start changes, and its cursor moves into a loaded interval."""
    make(ends)
    table = table_of(ends, load)
    ends.load(table)
    ends.source.run("UPDATE things SET at = '2021-02-07 13:00', note = 'b' WHERE id = 1")
    ends.source.run("INSERT INTO things VALUES (9, '2021-02-06 13:00', 'b')")
    ends.load(table, "2021-02-06", "2021-02-08")
    assert loaded(ends, table) == all_rows(ends)
    ends.load(table, "2021-02-05", "2021-02-08", exact=True)
    assert loaded(ends, table) == all_rows(ends), "an exact load leaves what is older"
    ends.source.run("DELETE FROM things WHERE id < 6")
    with pytest.raises(ShrinkGuard, match="the source has 2 rows, but there were 8"):
        ends.load(table)


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_older_rows_alone_are_loaded(ends: Endpoints) -> None:
    """Nothing is left out in silence: no row is as young as the start."""
    make(ends)
    ends.source.run("DELETE FROM things WHERE id > 2")
    table = table_of(ends, "upsert")
    assert ends.load(table).rows == 3
    assert loaded(ends, table) == all_rows(ends)


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_the_audit_of_the_whole_table_knows_what_was_loaded(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    assert {str(one.verdict) for one in audit_whole(table, ends.warehouse, ends)} == {"equal"}, "only from the start on"
    ends.load(table)
    assert {str(one.verdict) for one in audit_whole(table, ends.warehouse, ends)} == {"equal"}
    ends.destination.run(f"DELETE FROM {ends.name(table)} WHERE id = 0")
    (found,) = [one for one in audit_whole(table, ends.warehouse, ends) if one.verdict != "equal"]
    assert found.differences.added_keys == ("id=0",)


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_refresh_of_an_older_version_began_at_the_start(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table)
    ends.destination.run("UPDATE daybook.ledger SET table_id = NULL, table_rows = NULL")
    ends.destination.run(f"DELETE FROM {ends.name(table)} WHERE id < 4")
    assert {str(one.verdict) for one in audit_whole(table, ends.warehouse, ends)} == {"equal"}
    ends.load(table)
    assert loaded(ends, table) == all_rows(ends)
