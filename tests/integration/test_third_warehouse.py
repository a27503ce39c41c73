"""A warehouse outside of Daybook, all of it in one folder, does what those of Daybook do.

Every strategy, soft deletes, masks, the audit and the checksum of every value are tried on it by the tests of these,
as `duckdb-folder`: see `EVERY_WAREHOUSE`. Here is what needs words of its own.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from daybook.definitions.summary import Summary
from daybook.errors import BuildFailed, CheckFailed, DuplicateKey, SchemaMismatch, ValueRefused, WarehouseError
from daybook.integrations.dbt.profile import profile
from daybook.warehouses.registry import find_warehouse, open_warehouse, url_examples, warehouse_dialects
from tests.daybook.sql import test_checksum_values as test_values
from tests.integration import test_values_postgres as postgres
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of
from tests.support.summary_cli import Desk

ROOT = Path(__file__).parents[2]
PER_DAY = """
    select cast(answered_at as date) as day, count(*) as answers, sum(score) as total
    from {raw}.answers
    where answered_at >= {{start}} and answered_at < {{end}}
    group by 1
"""


@pytest.fixture
def ends(mysql_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """MariaDB and DuckDB."""
    with ends_of(mysql_source, "duckdb-folder", request, tmp_path) as both:
        yield both


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A DuckDB with a table of answers: two on each of twenty days."""
    with ends_of(None, "duckdb-folder", request, tmp_path) as both:
        desk = Desk(both, "raw")
        desk.run("CREATE SCHEMA {raw}")
        desk.run("CREATE TABLE {raw}.answers (id int, answered_at timestamp, score int)")
        desk.run(
            "INSERT INTO {raw}.answers SELECT n + 1, DATE '2021-02-01' + CAST(n // 2 AS int), 5 FROM range(40) AS t(n)"
        )
        desk.note("answers", "2021-02-01", "2021-02-21")
        yield desk


def per_day(desk: Desk, sql: str = PER_DAY, **fields: Any) -> Summary:
    return desk.summary("per_day", sql, key=["day"], interval="day", cursor="day", **fields)


def test_nothing_in_daybook_knows_it() -> None:
    files = [path for folder in ("daybook", "flows", "blocks") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200
    assert not [str(path) for path in files if "duckdb" in path.read_text(encoding="utf-8").lower()]


def test_it_is_found_by_its_entry_point(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    engine = create_engine(f"duckdb:///{tmp_path / 'x.duckdb'}")
    with pytest.raises(WarehouseError, match=r"a duckdb database cannot be a warehouse; .*: postgresql, redshift$"):
        open_warehouse(engine)
    request.getfixturevalue("duckdb")
    assert warehouse_dialects() == ["duckdb", "postgresql", "redshift"]
    assert "duckdb:///PATH" in url_examples()
    assert open_warehouse(engine, copy_iam_role="not for it").title == find_warehouse("duckdb").title == "DuckDB"
    output = profile(make_url("duckdb:////data/shop.duckdb"), "marts", 4)["daybook"]["outputs"]["prod"]
    assert output == {"type": "duckdb", "path": "/data/shop.duckdb", "schema": "marts", "threads": 4}


@pytest.mark.parametrize("cases", [postgres.TEXTS, postgres.OTHERS], ids=["texts", "others"])
def test_values_of_postgresql(
    cases: list[postgres.Case], postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Its NaN and its dates before Christ are refused, and so are not here."""
    with ends_of(postgres_source, "duckdb-folder", request, tmp_path) as both:
        test_values.test_postgres(both, cases)


def test_a_summary_is_built_whole_and_then_day_by_day(desk: Desk) -> None:
    built = desk.build(per_day(desk))
    assert built.rows == 20 and desk.rows("per_day")[:2] == [(date(2021, 2, 1), 2, 10), (date(2021, 2, 2), 2, 10)]
    assert not desk.build(per_day(desk)).built
    desk.run("UPDATE {raw}.per_day SET total = -1")
    desk.run("INSERT INTO {raw}.answers VALUES (101, '2021-02-05 12:00', 9)")
    desk.note("answers", "2021-02-05")
    desk.note("answers", "2021-02-10")
    assert desk.build(per_day(desk)).label == "2021-02-05, 2021-02-10"
    assert [row for row in desk.rows("per_day") if row[2] != -1] == [
        (date(2021, 2, 5), 3, 19),
        (date(2021, 2, 10), 2, 10),
    ]


def test_columns_follow_the_select(desk: Desk) -> None:
    desk.build(per_day(desk))
    changed = PER_DAY.replace("count(*)", "cast(count(*) as text)").replace("sum(score) as total", "min(score) as low")
    desk.build(per_day(desk, changed))
    assert desk.database.types("raw.per_day") == {"day": "date", "answers": "varchar", "low": "integer"}
    assert desk.rows("per_day")[0] == (date(2021, 2, 1), "2", 5)


def test_a_build_that_fails_leaves_the_last_one(desk: Desk) -> None:
    desk.build(per_day(desk))
    before = desk.rows("per_day"), desk.ledger("per_day")
    wrong = {
        "a key twice": (
            PER_DAY + " union all select date '2021-02-01', 1, 1",
            {},
            DuplicateKey,
            "rows have the same key",
        ),
        "a check": (
            PER_DAY,
            {"output_checks": [{"row_count": {"at_least": 21}}]},
            CheckFailed,
            "returned 20; expected at least",
        ),
        "a value": (PER_DAY.replace("count(*)", "cast('x' as int)"), {}, BuildFailed, "Could not convert string 'x'"),
    }
    for what, (sql, fields, error, said) in wrong.items():
        with pytest.raises(error, match=said):
            desk.build(per_day(desk, sql, **fields), full_refresh=True)
        assert (desk.rows("per_day"), desk.ledger("per_day")) == before, what
    tables = "SELECT table_name FROM information_schema.tables WHERE contains(table_name, '__build_')"
    assert len(desk.run(tables)) == 2, "what was built is kept, to be looked at"
    desk.build(per_day(desk), full_refresh=True)
    assert desk.run(tables) == []


def test_a_view_in_its_place_is_not_written_through(desk: Desk) -> None:
    desk.run("CREATE VIEW {raw}.per_day AS SELECT * FROM {raw}.answers")
    with pytest.raises(SchemaMismatch, match="per_day is a view, but a summary needs a table"):
        desk.build(per_day(desk))


def test_a_column_that_it_does_not_widen_in_place_is_refused_with_the_statement(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, amount decimal(9,2))")
    ends.source.run("INSERT INTO things VALUES (1, 1.5)")
    table = ends.table(key=["id"])
    ends.load(table)
    ends.source.run("ALTER TABLE things MODIFY amount decimal(12,2), ADD COLUMN note varchar(9)")
    with pytest.raises(SchemaMismatch, match="wider") as refused:
        ends.load(table)
    statement = 'ALTER TABLE "raw"."things" ALTER COLUMN "amount" TYPE DECIMAL(12, 2)'
    assert statement in str(refused.value)
    ends.destination.run(statement)
    ends.load(ends.table(key=["id"], on_new_column="add"))
    assert ends.destination.types("raw.things") == {"id": "integer", "amount": "decimal(12,2)", "note": "varchar"}


def test_a_value_that_it_refuses_is_named_with_its_row(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, note text)")
    ends.source.run("INSERT INTO things VALUES (1, '5'), (7, 'five')")
    table = ends.table(key=["id"], columns={"id": "int", "note": "int"})
    with pytest.raises(ValueRefused, match=r"raw.things, row id=7, column note: .* 'five' .*\. Fix the value"):
        ends.load(table)


def test_a_check_is_shown_as_it_was_run(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, note text)")
    ends.source.run("INSERT INTO things VALUES (1, 'it''s'), (2, 'other')")
    table = ends.table(key=["id"], checks=[{"accepted_values": {"column": "note", "values": ["it's", "100 %"]}}])
    with pytest.raises(CheckFailed) as failed:
        ends.load(table)
    shown = """SELECT count(*) FROM "raw"."things" WHERE "note" NOT IN ('it''s', '100 %') returned 1"""
    assert shown in str(failed.value)
    assert ends.destination.run("SELECT count(*) FROM information_schema.tables WHERE table_name = 'things'") == [(0,)]
