"""Rows that a server cannot hash: the audit is refused, and never reports them as equal."""

import pytest

from daybook.errors import AuditRefused
from daybook.orchestration.artifacts.audit import markdown
from tests.support.audited_tables import audited, by_hand, make, table_of, verdicts
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import MYSQL, POSTGRESQL

LONG = 9  # columns of 4,000 bytes: together they exceed the packet below, but each alone is too short to be hashed
PACKET = 32_768


@pytest.mark.parametrize("source", MYSQL, indirect=True)
@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_row_longer_than_max_allowed_packet(ends: Endpoints) -> None:
    names = [f"c{number}" for number in range(LONG)]
    columns = ", ".join(f"{name} varchar(1000)" for name in names)
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, at datetime, {columns}, KEY (at))")
    ends.source.insert(
        "things", [(n, f"2021-02-0{5 + n // 2} 10:00:00", *["😀" * (n % 2 * 1000)] * LONG) for n in range(6)]
    )
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    assert verdicts(ends, table, 3) == ["equal"] * 3
    ((usual,),) = ends.source.run("SELECT @@GLOBAL.max_allowed_packet")
    ends.source.run(f"SET GLOBAL max_allowed_packet = {PACKET}")
    try:
        with pytest.raises(AuditRefused, match="things: 3 rows are longer in the source than its server's max_all"):
            audited(ends, table, 3)
        ends.source.run("DELETE FROM things WHERE id IN (1, 3)")
        with pytest.raises(AuditRefused, match="things: 1 rows are longer"):
            audited(ends, table, 3)
    finally:
        ends.source.run(f"SET GLOBAL max_allowed_packet = {usual}")


@pytest.mark.parametrize("source", POSTGRESQL, indirect=True)
@pytest.mark.parametrize("ends", ["redshift-s3"], indirect=True)
def test_a_super_is_not_compared(ends: Endpoints) -> None:
    """It does not tell 1.0 from 1, and JSON_SERIALIZE fails on a long one. The audit compares the other columns."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, a jsonb)")
    rows = [(1, "2021-02-05", '["é"]'), (2, "2021-02-05", None), (3, "2021-02-05", "null"), (4, "2021-02-06", "[]")]
    ends.source.insert("things", rows)
    table = table_of(ends)
    ends.load(table, "2021-02-05", "2021-02-07")
    assert verdicts(ends, table, 2) == ["equal"] * 2
    ends.source.run("UPDATE things SET a = to_jsonb(repeat('x', 70000)) WHERE id = 4")
    assert verdicts(ends, table, 2) == ["equal"] * 2
    ends.load(table, "2021-02-06")
    assert verdicts(ends, table, 2) == ["equal"] * 2
    ends.source.run("""UPDATE things SET a = '{"bb": 1.0, "a": 1e2, "c": 1.50}' WHERE id = 1""")
    ends.load(table, "2021-02-05")
    assert verdicts(ends, table, 2) == ["equal"] * 2
    by_hand(ends, table, "UPDATE {table} SET at = '2021-02-05 01:00' WHERE id = 1")
    (changed, _) = audited(ends, table, 2)
    assert str(changed.verdict) == "warehouse altered" and changed.differences.changed == 1
    (why,) = changed.recipe.left_out.values()
    assert why.startswith("a is jsonb at the source, and its SUPER in Redshift may keep numbers such as 1.0")
    assert "Not compared:" in markdown(table, [changed], "")


@pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
def test_a_cursor_that_is_missing_in_the_warehouse(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, "2021-02-05")
    by_hand(ends, table, "ALTER TABLE {table} ALTER COLUMN at TYPE text")
    with pytest.raises(AuditRefused, match="but in the warehouse its at is text"):
        audited(ends, table)
    by_hand(ends, table, "ALTER TABLE {table} DROP COLUMN at")
    with pytest.raises(AuditRefused, match="but in the warehouse it has no column at"):
        audited(ends, table)
