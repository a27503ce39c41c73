"""Bisecting finds the rows that differ among many with few queries."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.audit.row_diff import Differences
from daybook.definitions.table import Table
from tests.support.audited_tables import FIRST, by_hand, days
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL, POSTGRESQL

pytestmark = pytest.mark.any_warehouse

ROWS = 10_000
#: Of both sides: two cuts of at most 256 pieces, and one that fetches rows.
MOST_QUERIES = 2 * 3


def make(ends: Endpoints) -> None:
    """Rows of one day, so that only the key distinguishes them."""
    clock, text = ("datetime(6)", "varchar(20)") if ends.source.is_mysql else ("timestamp", "varchar(20)")
    ends.source.run(f"CREATE TABLE things (id int, part {text}, at {clock}, note {text}, PRIMARY KEY (id, part))")
    start = datetime(2021, 2, 5)
    rows = [(n // 2, "aB"[n % 2], start + timedelta(seconds=n), f"n{n}") for n in range(ROWS)]
    for first in range(0, ROWS, 1000):
        part = rows[first : first + 1000]
        places = ", ".join(["(%s, %s, %s, %s)"] * len(part))
        ends.source.run(f"INSERT INTO things VALUES {places}", [value for row in part for value in row])
    ends.source.run("CREATE INDEX things_at ON things (at)")


def table_of(ends: Endpoints, **fields: Any) -> Table:
    given = {"cursor": "at", "interval": "day", "start": FIRST.date(), "key": ["id", "part"]}
    return ends.table(load="replace_interval", **(given | fields))


def found(ends: Endpoints, table: Table) -> Differences:
    (result,) = audit(table, days(1), ends.warehouse, ends)
    assert result.differences is not None
    return result.differences


@pytest.fixture
def loaded(ends: Endpoints) -> Endpoints:
    make(ends)
    ends.load(table_of(ends), "2021-02-05")
    return ends


@pytest.mark.parametrize("ends", ["postgres-folder", "redshift-s3", "duckdb-folder"], indirect=True)
def test_a_few_among_many(loaded: Endpoints) -> None:
    ends, table = loaded, table_of(loaded)
    assert found(ends, table) == Differences()
    ends.source.run("DELETE FROM things WHERE id = 17")
    ends.source.run("UPDATE things SET note = 'other' WHERE id IN (100, 2000, 4999)")
    by_hand(ends, table, "DELETE FROM {table} WHERE id = 3000 AND part = 'B'")
    by_hand(ends, table, "UPDATE {table} SET note = NULL WHERE id = 3001 AND part = 'a'")
    differ = found(ends, table)
    assert (differ.added, differ.removed, differ.changed, differ.exact) == (1, 2, 7, True)
    assert differ.added_keys == ("id=3000, part=B",)
    assert set(differ.removed_keys) == {"id=17, part=a", "id=17, part=B"}
    assert len(differ.changed_keys) == 5
    assert differ.queries <= MOST_QUERIES
    assert differ.bytes < 200_000


@pytest.mark.parametrize("source", POSTGRESQL, indirect=True)
@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_if_very_many_rows_differ_not_all_are_searched(loaded: Endpoints) -> None:
    ends, table = loaded, table_of(loaded)
    ends.source.run("UPDATE things SET note = 'all of them'")
    differ = found(ends, table)
    assert not differ.exact and 64 <= differ.changed <= ROWS
    assert (differ.added, differ.removed) == (0, 0)
    assert differ.queries <= MOST_QUERIES
    by_hand(ends, table, "DELETE FROM {table}")
    differ = found(ends, table)
    assert (differ.added, differ.exact, len(differ.added_keys), differ.queries) == (ROWS, True, 5, 1)


@pytest.mark.parametrize("source", MYSQL, indirect=True)
@pytest.mark.parametrize("ends", ["redshift-s3"], indirect=True)
def test_duplicate_rows(loaded: Endpoints) -> None:
    """Redshift does not enforce keys, and a table may have no key."""
    ends, table = loaded, table_of(loaded)
    by_hand(ends, table, "INSERT INTO {table} SELECT * FROM {table} WHERE id = 5")
    by_hand(ends, table, "INSERT INTO {table} VALUES (6, 'a', '2021-02-05', 'another')")
    differ = found(ends, table)
    assert (differ.added, differ.removed, differ.changed) == (0, 3, 0)
    assert set(differ.removed_keys) == {"id=5, part=a", "id=5, part=B", "id=6, part=a"}
    by_hand(ends, table, "UPDATE {table} SET note = 'x' WHERE id = 7")
    keyless = found(ends, table_of(ends, key=[]))
    assert (keyless.added, keyless.removed, keyless.changed) == (2, 5, 0)
    assert keyless.removed_keys == ()
