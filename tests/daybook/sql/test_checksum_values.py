"""Every value that a load carries has one checksum at its source and in its warehouse."""

import contextlib
import dataclasses
import secrets
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.integration import test_values_mysql as mysql
from tests.integration import test_values_postgres as postgres
from tests.integration.test_values_text import HARD
from tests.support.checksum_sums import sums
from tests.support.servers.postgres import Postgres
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE


def assert_one_sum(ends: Endpoints, table: Any, names: list[str]) -> None:
    """Both sides have one checksum, and so has every column by itself: which tells the column that has not."""
    both = sums(ends, table)
    wrong = []
    if both.source != both.warehouse:
        wrong = [name for name in names if (one := sums(ends, table, (name,))).source != one.warehouse]
    assert both.source == both.warehouse, wrong
    assert both.source[0] and {*names} <= {field.name for field in both.recipe.fields} | {*both.recipe.left_out}


@pytest.mark.parametrize(
    "cases",
    [mysql.INTEGERS, mysql.FRACTIONS, mysql.TIMES, mysql.TEXTS, mysql.BINARIES],
    ids=lambda cases: cases[0].name,
)
@pytest.mark.parametrize("from_mysql", ["postgres-folder", "redshift-s3", "duckdb-folder"], indirect=True)
def test_mysql(from_mysql: Endpoints, cases: list[mysql.Case]) -> None:
    ends, cases = from_mysql, mysql.cases_of(from_mysql.source, cases)
    columns = ", ".join(f"`{case.name}` {case.type}" for case in cases)
    ends.source.run(f"CREATE TABLE things (id int AUTO_INCREMENT PRIMARY KEY, {columns})")
    for case in cases:
        for value in (*case.values, "NULL"):
            ends.source.run(f"INSERT INTO things (`{case.name}`) VALUES ({value})")
    table = ends.table(key=["id"])
    ends.load(table)
    assert_one_sum(ends, table, [case.name for case in cases])
    assert not sums(ends, table).recipe.left_out


@pytest.mark.parametrize(
    "cases", [postgres.NUMBERS, postgres.TIMES, postgres.TEXTS, postgres.OTHERS], ids=lambda cases: cases[0].type
)
def test_postgres(from_postgres: Endpoints, cases: list[postgres.Case]) -> None:
    ends = from_postgres
    # The stand-in keeps the offset of a timetz, which Redshift makes UTC's. A load leaves a SUPER out of its checksum.
    uncompared = ("time with time zone", "jsonb") if ends.on_redshift else ()
    cases = [case for case in cases if case.type not in uncompared]
    columns = ", ".join(f"c{number} {case.type}" for number, case in enumerate(cases))
    ends.source.run(f"{postgres.TYPES}; CREATE TABLE things (id serial PRIMARY KEY, {columns})")
    for number, case in enumerate(cases):
        for value in (*case.values, *(() if ends.on_redshift else case.only_postgres), None):
            place = f"%s::text::numeric::{case.type}" if case.type == "money" else f"%s::text::{case.type}"
            ends.source.run(f"INSERT INTO things (c{number}) VALUES ({place})", (value,))
    table = ends.table(key=["id"])
    ends.load(table)
    assert_one_sum(ends, table, [f"c{number}" for number in range(len(cases))])
    assert not sums(ends, table).recipe.left_out


@pytest.mark.parametrize("ends", EVERY_WAREHOUSE, indirect=True)
def test_hard_texts(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a text, b varchar(60000), c varchar(200))")
    ends.source.insert("things", [(number, text, text[:9999], text[:200]) for number, text in enumerate(HARD)])
    table = ends.table(key=["id"])
    ends.load(table)
    assert_one_sum(ends, table, ["id", "a", "b", "c"])


@pytest.mark.parametrize("ends", ["postgres-folder", "redshift-s3", "duckdb-folder"], indirect=True)
def test_long_binary_values(ends: Endpoints) -> None:
    """Redshift makes no text of the digits of all that a VARBYTE takes."""
    kind = "mediumblob" if ends.source.is_mysql else "bytea"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, a {kind}, b {kind})")
    some = bytes(range(256)) * 126
    for number, size in enumerate([0, 31_999, 32_000, 32_001, 32_256]):
        ends.source.run("INSERT INTO things VALUES (%s, %s, %s)", (number, some[:size], some[:size]))
    ends.source.run("INSERT INTO things VALUES (90, %s, NULL), (91, %s, NULL)", (some * 10, some * 31 + b"x"))
    table = ends.table(key=["id"], columns={"id": "int", "a": "bytes", "b": "text"})
    ends.load(table)
    assert_one_sum(ends, table, ["id", "a", "b"])
    before = sums(ends, table).source
    ends.source.run("UPDATE things SET a = %s WHERE id = 90", (some * 9 + some[:-1] + b"x",))
    assert sums(ends, table).source != before, "the last byte counts"


def test_masks_zero_dates_and_what_is_sent_otherwise(from_mysql: Endpoints) -> None:
    """The source's value is the one that the loader sends."""
    ends = from_mysql
    address = "inet6" if ends.source.is_mariadb else "varchar(39)"
    ends.source.run(
        "CREATE TABLE things (id int PRIMARY KEY, email varchar(40), latin varchar(9) CHARACTER SET latin1, "
        "n int(6) zerofill, price decimal(9,2), day date NOT NULL, at datetime(3), filled int(6) zerofill, "
        f"ip {address}, s text)"
    )
    ends.source.run(
        "INSERT INTO things VALUES (1, 'zoë@example.com', 'ü', 42, 1.50, '2021-02-05', '2021-02-05 10:00:00.5', 42, "
        "'::1', 'x'), (2, NULL, NULL, NULL, NULL, '0000-00-00', '2021-00-00', NULL, NULL, NULL), "
        "(3, '', '', 0, 0, '2021-01-00', '0000-00-00', 0, '::', '')"
    )
    masks = {"email": "hash", "latin": "hash", "n": "hash", "price": "hash", "ip": "hash", "s": None}
    source = {"kind": "database", "table": [ends.source.namespace, "things"], "zero_dates": "null"}
    table = ends.table(key=["id"], mask=masks, source=source)
    ends.load(table)
    assert_one_sum(ends, table, ["id", *masks, "day", "at", "filled"])
    masked = ends.table(key=["id"], mask={**masks, "day": "hash"}, source=source, name="masked")
    masked = masked.model_copy(update={"name": f"{ends.destination.namespace}.masked"})
    ends.load(masked)
    assert_one_sum(ends, masked, ["day"])


#: Columns that are declared, or kept in the warehouse, as another type than they have at the source:
#: the column of MariaDB, that of PostgreSQL, a value, and the type in the table file.
DECLARED = {
    "small": ("smallint", "smallint", "'-5'", "bigint"),
    "whole": ("int", "int", "'42'", "varchar(20)"),
    "filled": ("int(6) zerofill", "int", "'42'", "varchar(20)"),
    "price": ("decimal(9,2)", "decimal(9,2)", "'1.50'", "decimal(12,4)"),
    "cost": ("decimal(9,2)", "decimal(9,2)", "'1.50'", "text"),
    "ratio": ("float", "real", "'0.1'", "double precision"),
    "yes": ("bit(1)", "boolean", "true", "text"),
    "no": ("bit(1)", "boolean", "false", "text"),
    "day": ("date", "date", "'2021-02-05'", "timestamp"),
    "date": ("date", "date", "'2021-02-05'", "text"),
    "at": ("datetime(3)", "timestamp(3)", "'2021-02-05 10:00:00.5'", "timestamp"),
    "then": ("datetime(6)", "timestamp", "'2021-02-05 10:00:00.5'", "text"),
    "seen": ("timestamp(6) NULL", "timestamptz", "'2021-02-05 10:00:00.5'", "timestamp"),
    "shown": ("timestamp(6) NULL", "timestamptz", "'2021-02-05 10:00:00.5'", "text"),
    "took": ("time(3)", "interval", "'10:00:00.5'", "text"),
    "raw": ("varbinary(9)", "bytea", "'abc'", "text"),
    "long": ("text", "text", "'x  '", "varchar(30)"),
    "padded": ("char(9)", "char(9)", "'x'", "char(12)"),
    "trailing": ("varchar(9)", "varchar(9)", "'x  '", "char(12)"),
}


def test_declared_as_other_types(ends: Endpoints) -> None:
    position = 0 if ends.source.is_mysql else 1
    columns = ", ".join(f"{ends.source.quote(name)} {column[position]}" for name, column in DECLARED.items())
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, {columns})")
    ends.source.run(f"INSERT INTO things VALUES (1, {', '.join(column[2] for column in DECLARED.values())})")
    ends.source.run("INSERT INTO things (id) VALUES (2)")
    table = ends.table(key=["id"], columns={"id": "int", **{name: column[3] for name, column in DECLARED.items()}})
    ends.load(table)
    assert_one_sum(ends, table, list(DECLARED))
    assert not sums(ends, table).recipe.left_out


@pytest.mark.parametrize("ends", ["postgres-folder", "redshift-s3"], indirect=True)
def test_a_table_of_which_nothing_can_be_compared(ends: Endpoints) -> None:
    """Only the number of its rows: and they are loaded all the same."""
    ends.source.run("CREATE TABLE things (a varchar(9), b varchar(9))")
    ends.source.insert("things", [("1", "2"), ("3", None)])
    table = ends.table(columns={"a": "int", "b": "int"})
    ends.load(table)
    both = sums(ends, table)
    assert {*both.recipe.left_out} == {"a", "b"} and both.source == both.warehouse
    ends.source.insert("things", [("1", "2")])
    assert sums(ends, table).source != both.warehouse


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
def test_a_database_in_another_encoding(warehouse_ends: Endpoints, postgres: Postgres, encoding: str) -> None:
    """A server that keeps latin1, or any bytes, computes lengths and digests of UTF-8, as everybody does."""
    name = f"latin_{secrets.token_hex(4)}"
    there = Database(postgres.url, "public")
    with contextlib.closing(there.engine.raw_connection()) as connection, connection.cursor() as cursor:
        connection.driver_connection.autocommit = True
        cursor.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        try:
            url = make_url(postgres.url).set(database=name).render_as_string(hide_password=False)
            ends = dataclasses.replace(warehouse_ends, source=Database(url, "public"))
            ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a varchar(20), b text, c char(9))")
            texts = [text.encode() for text in ("Zürich ÿ", "größer", "é")]
            read = "convert_from(%s, 'UTF8')"
            ends.source.run(f"INSERT INTO things VALUES (1, {read}, {read}, {read}), (2, NULL, NULL, NULL)", texts)
            table = ends.table(key=["id"])
            ends.load(table)
            assert_one_sum(ends, table, ["a", "b", "c"])
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
