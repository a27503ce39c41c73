"""Intervals with ledger entries only for parts of them: from a full refresh during the day, or from another grid."""

from datetime import UTC, date, datetime

import pytest

from daybook.audit.audit_log import found_of
from daybook.audit.interval_audit import audit
from daybook.model.interval_grid import Grid
from tests.support.audited_tables import audited, by_hand, make, table_of, verdicts
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL

pytestmark = [
    pytest.mark.parametrize("source", MYSQL, indirect=True),
    pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True),
]


@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
def test_the_day_of_a_full_refresh_still_needs_a_load(ends: Endpoints, load: str) -> None:
    """The refresh wrote the rows of that day before the day was over. The warehouse was not altered."""
    make(ends)
    table = table_of(ends, load)
    ends.load(table)
    ends.destination.run("UPDATE daybook.ledger SET interval_end = '2021-02-08 05:30+00'")
    assert verdicts(ends, table)[:3] == ["equal"] * 3
    by_hand(ends, table, "DELETE FROM {table} WHERE at > '2021-02-08 05:30'")
    found = audited(ends, table)[3]
    assert (str(found.verdict), found.why) == ("never loaded", "only a part of it was loaded")
    assert found.rows_by_ledger is None and not found.verdict.is_difference
    assert found.differences.added == (10 if load == "upsert" else 4), "an upsert's may still move on"
    ends.load(table, "2021-02-08", exact=True)
    assert verdicts(ends, table) == ["equal"] * 4


def test_a_month_that_was_loaded_as_days(ends: Endpoints) -> None:
    make(ends)
    ends.load(table_of(ends, start=date(2021, 2, 1)), "2021-02-01", "2021-03-01")
    table = table_of(ends, start=date(2021, 2, 1), interval="month")
    month = Grid("month").between(date(2021, 2, 1), date(2021, 3, 1))
    assert [str(found.verdict) for found in audit(table, month, ends.warehouse, ends)] == ["equal"]
    by_hand(ends, table, "DELETE FROM {table} WHERE id = 3")
    (found,) = audit(table, month, ends.warehouse, ends)
    assert str(found.verdict) == "differs" and "in parts" in found.why
    kept = found_of(table.name, found, datetime.now(UTC), None)
    assert kept.rows_by_ledger is None and kept.checksum_by_ledger is None


def test_a_checksum_of_many_intervals_is_not_recorded_for_one(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, start=None)
    ends.load(table)
    for found in audited(ends, table):
        kept = found_of(table.name, found, datetime.now(UTC), None)
        assert kept.rows_by_ledger is None and kept.checksum_by_ledger is None and kept.rows_at_source == 10
