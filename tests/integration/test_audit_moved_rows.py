"""Rows of an upsert that moved to a later interval, in difficult cases of dates and instants."""

from datetime import date
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.audit.table_audit import audit_whole
from daybook.load.extraction.extract import Extracted
from daybook.load.load import load
from daybook.model.interval_grid import Grid
from daybook.model.target import Target
from tests.support.audited_tables import days, make, table_of, verdicts
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL

pytestmark = [
    pytest.mark.parametrize("source", MYSQL, indirect=True),
    pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True),
]


class WhereALoadCommits:
    """A warehouse in which a load commits before the audit has stored the keys that it read."""

    def __init__(self, ends: Endpoints, extracted: Extracted) -> None:
        self._ends, self._extracted = ends, extracted
        self.committed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ends.warehouse, name)

    def create_staging(self, session: Any, target: Target, name: str) -> None:
        if not self.committed:
            self.committed = load(self._extracted, self._ends.warehouse, self._ends.stage).rows
        self._ends.warehouse.create_staging(session, target, name)


def test_a_load_that_commits_while_the_keys_are_read_is_not_a_difference(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05", "2021-02-08")
    warehouse = WhereALoadCommits(ends, ends.extract(table, "2021-02-08"))
    assert [str(found.verdict) for found in audit(table, days(), warehouse, ends)] == ["equal"] * 4  # type: ignore[arg-type]
    assert warehouse.committed == 10


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("refreshed", [False, True], ids=["by days", "after a full refresh"])
def test_a_cursor_that_is_a_date(ends: Endpoints, timezone: str, refreshed: bool) -> None:
    """A full refresh ends within a day, and a day begins in the table's time zone. A date has neither detail."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at date, note varchar(9))")
    ends.source.insert("things", [(n, date(2021, 2, 5 + n // 10), "x") for n in range(40)])
    table = table_of(ends, "upsert", timezone=timezone)
    ends.load(table, *(() if refreshed else ("2021-02-05", "2021-02-08")))
    ends.source.run("UPDATE things SET at = CURRENT_DATE, note = 'moved' WHERE id = 3")
    ends.source.run("DELETE FROM things WHERE id = 4")
    some = Grid("day", timezone).between(date(2021, 2, 5), date(2021, 2, 8))
    found = audit(table, some, ends.warehouse, ends)
    assert [str(one.verdict) for one in found] == ["source changed since", "equal", "equal"]
    assert found[0].differences.removed_keys == ("id=4",)
    assert {str(one.verdict) for one in audit_whole(table, ends.warehouse, ends)} == {"differs"}
    ends.load(table, "2021-02-05", exact=True)
    assert {str(one.verdict) for one in audit(table, some, ends.warehouse, ends)} == {"equal"}
    assert {str(one.verdict) for one in audit_whole(table, ends.warehouse, ends)} == {"equal"}
    assert ends.rows(table, "count(*)", "1") == [(39 if refreshed else 29,)]


def test_a_late_commit_is_repaired_from_the_newest_day_backwards(ends: Endpoints) -> None:
    """The row is never missing. If its old day were repaired first, that load would delete the row."""
    make(ends)
    table = table_of(ends, "upsert")
    ends.load(table, "2021-02-05", "2021-02-09")
    ends.source.run("UPDATE things SET at = '2021-02-07 23:59:59', note = 'late' WHERE id = 3")
    assert verdicts(ends, table) == ["source changed since", "equal", "source changed since", "equal"]
    for day in ("2021-02-07", "2021-02-05"):
        ends.load(table, day, exact=True)
        assert ends.rows(table, "count(*)", "1") == [(40,)]
    assert verdicts(ends, table) == ["equal"] * 4
