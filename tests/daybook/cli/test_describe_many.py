"""`daybook describe BLOCK 'schema.*'`: one file for each table that matches, and a reason for each that has none."""

import json
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.cli.describe import main
from daybook.definitions.registry import datasets
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table, table_names
from tests.support.described_tables import Keys
from tests.support.source_and_warehouse import Database


def describe(source: Database, folder: Path, *arguments: str) -> int:
    namespace = source.namespace
    given = [argument.replace("SHOP", namespace) for argument in arguments]
    return main(["production", *given], keys=Keys(source), folder=folder)  # type: ignore[arg-type]


@pytest.fixture
def shop(source: Database) -> Database:
    """A schema with four tables, a trigger or ON UPDATE, a comment, a view and a temporary table."""
    if source.is_mysql:
        changed = "timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
        source.run(f"CREATE TABLE orders (id int PRIMARY KEY, ladida {changed}) COMMENT 'One row per order.'")
        source.run("CREATE TABLE items (id int PRIMARY KEY, seen datetime NOT NULL, at datetime NOT NULL)")
        source.run("CREATE TRIGGER touch BEFORE UPDATE ON items FOR EACH ROW SET NEW.`seen` = NOW()")
    else:
        source.run("CREATE TABLE orders (id int PRIMARY KEY, ladida timestamp NOT NULL)")
        source.run("COMMENT ON TABLE orders IS 'One row per order.'")
        source.run("CREATE TABLE items (id int PRIMARY KEY, seen timestamptz NOT NULL, at timestamp NOT NULL)")
        body = "BEGIN {} := now(); RETURN NEW; END"
        for table, column in (("orders", "NEW.ladida"), ("items", 'new."seen"')):
            source.run(f"CREATE FUNCTION f_{table}() RETURNS trigger LANGUAGE plpgsql AS '{body.format(column)}'")
            source.run(f"CREATE TRIGGER touch BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION f_{table}()")
    source.insert("orders", [(number, f"2021-02-0{5 + number} 10:00:00") for number in range(3)])
    moment = "datetime" if source.is_mysql else "timestamp"
    source.run(f"CREATE TABLE visits (id int PRIMARY KEY, began {moment} NOT NULL)")
    source.insert("visits", [(number, f"2021-02-{number // 100 + 1:02} 10:00:00") for number in range(2700)])
    source.run(f"ANALYZE {'TABLE' if source.is_mysql else ''} visits")  # it has more rows than a tiny table
    source.run("CREATE TABLE names (name varchar(20))")
    source.run("CREATE TABLE tmp_names (name varchar(20))")
    source.run("CREATE VIEW seen_orders AS SELECT * FROM orders")
    return source


def test_every_table_of_a_schema_is_described(
    shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern = "SHOP.*"
    folder = tmp_path / "tables"
    (tmp_path / "daybook.yaml").write_text("defaults: {owner: everyone}")
    assert describe(shop, folder, pattern, "--exclude", "tmp_*", "--write") == 0
    out = capsys.readouterr().out
    assert table_names(folder) == [f"raw_data.{name}" for name in ("items", "names", "orders", "seen_orders", "visits")]
    tables, problems = datasets(folder)
    assert not problems and {table.owner for table in tables} == {"everyone"}
    orders, items, visits = (read_table(f"raw_data.{name}", folder) for name in ("orders", "items", "visits"))
    assert (orders.description, orders.load, orders.cursor) == ("One row per order.", "upsert", "ladida")
    assert (items.load, items.cursor) == ("upsert", "seen")
    assert (visits.load, visits.cursor, str(visits.start)) == ("replace_interval", "began", "2021-02-01")
    text = (folder / "raw_data" / "visits.yaml").read_text()
    assert "# guess: its values rise with the key in 40 sampled rows" in text and f"Rows of {shop.namespace}.vi" in text
    reason = "ON UPDATE CURRENT_TIMESTAMP" if shop.is_mysql else "the trigger touch sets it in each update"
    assert f"raw_data.orders       upsert by ladida; key id; certain: {reason}" in out, out
    assert "5 files written" in out and "Owner: everyone, from daybook.yaml" in out


def test_files_that_exist_are_left_alone_and_named(
    shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, summary = tmp_path / "shop" / "orders.yaml", tmp_path / "shop" / "items.sql"
    mine.parent.mkdir()
    mine.write_text("mine")
    summary.write_text("SELECT 1")
    given = ("SHOP.orders", "SHOP.items", "--name", "shop.*", "--owner", "us", "--write")
    assert describe(shop, tmp_path, *given) == 1
    out = capsys.readouterr().out
    assert mine.read_text() == "mine" and "left alone (--force overwrites): shop.items, shop.orders" in out
    assert "items: shop.items is a summary. Describe it alone, with another --name" in out
    assert describe(shop, tmp_path, *given, "--force") == 1
    assert read_table("shop.orders", tmp_path).owner == "us" and summary.read_text() == "SELECT 1"


def test_a_table_that_cannot_be_described_stops_no_other(
    shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quote = "`" if shop.is_mysql else '"'
    shop.run(f"CREATE TABLE {quote}or-ders{quote} (id int PRIMARY KEY)")
    shop.run(f"CREATE TABLE {quote}or_ders{quote} (id int PRIMARY KEY)")
    assert describe(shop, tmp_path, "SHOP.or*ders", "SHOP.visitz", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["tables"]] == ["raw_data.or_ders", "raw_data.orders"]
    assert found["tables"][1]["certainty"] == "certain" and not list(tmp_path.iterdir())
    clash, unknown = (found["problems"][f"{shop.namespace}.{name}"] for name in ("or_ders", "visitz"))
    assert f"already the name of {shop.namespace}.or-ders" in clash and "did you mean" in unknown


def test_a_pattern_that_matches_nothing_says_what_is_there(
    shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert describe(shop, tmp_path, "nowhere.*") == 1
    assert "nowhere.*: no table matches; the user of block 'production' sees" in (out := capsys.readouterr().out)
    assert f"{shop.namespace} (6 tables)" in out and "NAME_THE_TEAM_TO_ASK" not in out
    with pytest.raises(SystemExit, match=r"write schema\.table, such as"):
        describe(shop, tmp_path, "orders*")
    with pytest.raises(SystemExit, match=r"write schema\.\* or schema\.prefix_\*"):
        describe(shop, tmp_path, "SHOP.*", "--name", "shop.orders")


def test_a_table_without_a_grant_is_reported(
    postgres_source: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = postgres_source
    source.run("CREATE TABLE orders (id int PRIMARY KEY)")
    source.run("CREATE TABLE parts (day date NOT NULL) PARTITION BY RANGE (day)")
    source.run("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')")
    source.run("DROP ROLE IF EXISTS reads_parts")
    source.run("CREATE ROLE reads_parts LOGIN PASSWORD 'x'")
    source.run("GRANT SELECT ON parts TO reads_parts")
    try:
        other = Database(source.url, "public")
        url = make_url(source.url).set(username="reads_parts", password="x")
        other.engine = create_engine(url, poolclass=NullPool)
        assert describe(other, tmp_path, "public.*", "--owner", "us") == 1
        out = capsys.readouterr().out
        assert (
            "public.orders: the user of block 'production' may not read it. Run in the source: GRANT SELECT ON " in out
        )
        assert 'GRANT SELECT ON "public"."orders" TO' in out
        assert "raw_data.parts  replace" in out and "parts_1" not in out
    finally:
        source.run("DROP OWNED BY reads_parts; DROP ROLE reads_parts")


def test_odd_tables_are_described(source: Database, tmp_path: Path) -> None:
    """A first value that no interval reaches, reserved words, names with dots and signs, and many columns."""
    quoted, moment = source.quote, "datetime" if source.is_mysql else "timestamp"
    source.run(f"CREATE TABLE far (id int PRIMARY KEY, updated_at {moment} NOT NULL)")
    source.run("INSERT INTO far VALUES (1, '9999-12-31')")
    source.run(f"CREATE TABLE {quoted('user')} ({quoted('from')} int PRIMARY KEY, {quoted('null')} date)")
    source.run(f"CREATE TABLE {quoted('a.b')} ({quoted('ü c')} int PRIMARY KEY)")
    many = ", ".join(f"c{number} int" for number in range(999))
    source.run(f"CREATE TABLE wide (id int PRIMARY KEY, {many})")
    assert describe(source, tmp_path, "SHOP.*", "--owner", "us", "--write") == 0
    tables, problems = datasets(tmp_path)
    assert not problems and [table.name for table in tables] == [
        f"raw_data.{name}" for name in ("a_b", "far", "user", "wide")
    ]
    found = {table.name.partition(".")[2]: table for table in tables if isinstance(table, Table)}
    assert found["a_b"].source.table[1] == "a.b" and found["a_b"].key == ("ü c",)
    assert [*(found["user"].columns or ())] == ["from", "null"] and len(found["wide"].columns or ()) == 1000
    assert (found["far"].cursor, found["far"].start) == ("updated_at", None)
    text = (tmp_path / "raw_data/far.yaml").read_text("utf-8")
    assert "# the first updated_at is 9999-12-31 00:00:00. Add the first day to load: start: …" in text


def test_the_tables_of_a_group_file_are_listed(
    shop: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.yaml"
    source = f"{{kind: database, tables: '{shop.namespace}.*', exclude: 'tmp_*'}}"
    path.write_text(f"source: {source}\ndefaults: {{owner: us}}\n")
    assert main(["--refresh", str(path)], keys=Keys(shop), folder=tmp_path) == 0  # type: ignore[arg-type]
    assert "with 5 tables: 5 added, 0 removed" in capsys.readouterr().out
    tables, problems = datasets(tmp_path)
    assert len(tables) == 5 and not problems
    assert read_table("raw_data.orders", tmp_path).cursor == "ladida"


def test_start_is_the_first_day_of_the_rows_that_where_leaves(shop: Database, tmp_path: Path) -> None:
    """Of the group, of an exception, and of a source of the project."""
    shop.run("CREATE INDEX began ON visits (began)")
    path, keys, folder = tmp_path / "shop.yaml", Keys(shop), tmp_path / "tables"
    source = f"{{kind: database, tables: '{shop.namespace}.visits', where: 'id >= 1000'}}"
    starts = []
    for more in ("", "tables: {visits: {source: {where: 'id % 700 = 699 AND id > 699'}}}\n"):
        path.write_text(f"source: {source}\ndefaults: {{owner: us}}\n{more}")
        assert main(["--refresh", str(path), "--force"], keys=keys, folder=tmp_path) == 0  # type: ignore[arg-type]
        starts.append(str(read_table("raw_data.visits", tmp_path).start))
    assert starts == ["2021-02-11", "2021-02-14"]

    (tmp_path / "daybook.yaml").write_text("sources: {production: {owner: us, source: {where: id >= 2100}}}")
    assert describe(shop, folder, "SHOP.visit*", "--write") == 0
    assert str(read_table("raw_data.visits", folder).start) == "2021-02-22"
