"""Invisible columns of MySQL and MariaDB, which `SELECT *` leaves out and Daybook does not, and invisible indexes."""

from pathlib import Path

import pytest

from daybook.definitions.table import Table
from tests.support.audited_tables import FIRST, audited, days
from tests.support.described_tables import described
from tests.support.source_and_warehouse import Database, Endpoints

pytestmark = pytest.mark.any_warehouse


def make(ends: Endpoints, invisible: set[str]) -> None:
    columns = {
        "id": "int NOT NULL DEFAULT 0",
        "at": "datetime(6)",
        "note": "varchar(40)",
        "gone": "tinyint DEFAULT 0",
        "twice": "int",
    }
    hidden = {name: " INVISIBLE" if name in invisible else "" for name in columns}
    fields = [f"`{name}` {type}{hidden[name]}" for name, type in columns.items() if name != "twice"]
    fields += [f"twice int GENERATED ALWAYS AS (id * 2) VIRTUAL{hidden['twice']}", "PRIMARY KEY (id)", "KEY (at)"]
    ends.source.run(f"CREATE TABLE things ({', '.join(fields)})")
    for n in range(8):
        row = (n, f"2021-02-{5 + n // 4:02d} 0{n % 4}:00:00", f"ö {n}", n % 4 == 3)
        ends.source.run("INSERT INTO things (id, `at`, note, gone) VALUES (%s, %s, %s, %s)", row)


def table_of(ends: Endpoints, load: str, **fields: object) -> Table:
    return ends.table(load=load, cursor="at", interval="day", start=FIRST.date(), key=["id"], **fields)


@pytest.mark.parametrize(
    "invisible",
    [{"at"}, {"id"}, {"gone"}, {"twice"}, {"note"}, {"id", "at", "gone", "twice"}],
    ids=lambda names: "+".join(sorted(names)),
)
def test_counts_and_audits(from_mysql: Endpoints, invisible: set[str]) -> None:
    make(from_mysql, invisible)
    table = table_of(from_mysql, "upsert", deleted="gone", on_delete="apply")
    assert from_mysql.load(table, "2021-02-05", "2021-02-07").rows == 6
    assert sorted(from_mysql.destination.types(table.name)) == ["at", "gone", "id", "note", "twice"]
    assert [row[0] for row in from_mysql.rows(table, "twice", "id")] == [0, 2, 4, 8, 10, 12]
    with table.source.open(table, from_mysql) as opened:
        assert opened.counts(days(2)) == {days(2)[0]: 3, days(2)[1]: 3}
    assert [str(found.verdict) for found in audited(from_mysql, table, 2)] == ["equal", "equal"]
    from_mysql.source.run("UPDATE things SET note = 'x' WHERE id = 1")
    assert [str(found.verdict) for found in audited(from_mysql, table, 2)] == ["source changed since", "equal"]


@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
def test_without_a_flag(from_mysql: Endpoints, load: str) -> None:
    make(from_mysql, {"id", "at", "gone", "twice"})
    table = table_of(from_mysql, load)
    assert from_mysql.load(table, "2021-02-05", "2021-02-07").rows == 8
    assert from_mysql.load(table, full_refresh=True).rows == 8
    assert [str(found.verdict) for found in audited(from_mysql, table, 2)] == ["equal", "equal"]


def test_an_index_that_no_query_uses(mysql_source: Database, tmp_path: Path) -> None:
    """MySQL calls it invisible, and MariaDB ignored."""
    hidden = "IGNORED" if mysql_source.is_mariadb else "INVISIBLE"
    ends = Endpoints(mysql_source, None, None, None, lambda: [])  # type: ignore[arg-type]
    for table, option, warned in (("seen", "", False), ("unseen", hidden, True)):
        mysql_source.run(
            f"CREATE TABLE {table} (id int PRIMARY KEY, modified datetime NOT NULL, KEY m (modified, id) {option})"
        )
        proposed, text = described(mysql_source, table, tmp_path)
        assert (proposed.cursor, proposed.key) == ("modified", ("id",))
        assert ("no index begins with it" in text) == warned
        with proposed.source.open(proposed, ends) as opened:
            assert [f"no index of {mysql_source.namespace}.{table}" in one for one in opened.warnings()] == [
                True
            ] * warned
