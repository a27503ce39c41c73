"""What a load says: SQL to paste, how many rows it wrote, and where parts are kept."""

from datetime import datetime, timedelta

import pytest

from daybook.errors import LoadFailed, SourceError
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
ON_ONE_SOURCE = pytest.mark.parametrize("source", ["postgres"], indirect=True)


@pytest.mark.parametrize("source", ["mariadb", "postgres"], indirect=True)
def test_a_percent_sign_is_printed_once(ends: Endpoints) -> None:
    source = ends.source
    assert source
    columns = f"{source.quote('50%')} int, {source.quote('a%t')} timestamp"
    source.run(
        f"CREATE TABLE {source.quote('10%')} ({columns})".replace("timestamp", "datetime")
        if source.is_mysql
        else f"CREATE TABLE {source.quote('10%')} ({columns})"
    )
    table = ends.table("10%", load="replace_interval", cursor="a%t", interval="day")
    (warning,) = ends.extract(table, "2021-02-05").warnings
    assert "Run in the source: CREATE INDEX" in warning and "a%t" in warning and "%%" not in warning
    with pytest.raises(SourceError) as caught:
        ends.extract(ends.table("20%"))
    assert "%%" not in str(caught.value)
    assert ("GRANT SELECT ON" in str(caught.value)) == source.is_mysql


@ON_ONE_SOURCE
def test_a_load_says_how_many_rows_it_wrote(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    assert ends.source
    first = datetime(2021, 2, 5)
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, note text); CREATE INDEX ON things (at)")
    ends.source.insert("things", [(n, first + timedelta(hours=n), "a") for n in range(10)])
    for load in ("upsert", "replace_interval"):
        table = ends.table(load=load, key=["id"], cursor="at", interval="day")
        ends.source.run("UPDATE things SET note = 'a'")
        ends.load(table, "2021-02-05")
        assert ends.load(table, "2021-02-05").written == 0
        ends.source.run("UPDATE things SET note = 'b' WHERE id < 3")
        caplog.clear()
        with caplog.at_level("INFO"):
            report = ends.load(table, "2021-02-05")
        assert (report.rows, report.written) == (10, 3)
        assert "committed 10 rows (3 new or changed, 7 already in the table) in" in caplog.text


@ON_ONE_SOURCE
@pytest.mark.parametrize("rows", [0, 10])
def test_kept_parts_are_named_only_if_there_are_any(ends: Endpoints, rows: int) -> None:
    assert ends.source
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp); CREATE INDEX ON things (at)")
    if rows:
        ends.source.insert("things", [(n, datetime(2021, 2, 5)) for n in range(rows)])
    table = ends.table(load="replace_interval", cursor="at", interval="day")
    extracted = ends.extract(table, "2021-02-05")
    ends.destination.run("CREATE SCHEMA daybook; CREATE VIEW daybook.ledger AS SELECT 1 AS table_name")
    with pytest.raises(LoadFailed) as caught:
        from daybook.load.load import load

        load(extracted, ends.warehouse, ends.stage)
    assert bool(getattr(caught.value, "__notes__", [])) == bool(rows)
