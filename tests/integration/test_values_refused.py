"""A value that a warehouse cannot hold fails the load, with the table, the key, the column and the remedy."""

import re
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import DaybookError, SchemaMismatch, SourceError, ValueRefused
from tests.support.source_and_warehouse import Endpoints


def refused(ends: Endpoints, table: Table, *parts: str, kind: type[DaybookError] = ValueRefused) -> str:
    """Check that a load fails, that nothing is visible, and that the error has the table's name and all of `parts`."""
    with pytest.raises(kind) as caught:
        ends.load(table)
    message = str(caught.value)
    for text in (table.name, *parts):
        assert text in message, message
    assert not ends.destination.types(table.name), "a first load that fails leaves no table"
    assert re.search(r"Fix|Correct|set zero_dates|Declare|Raise", message), message
    return message


def things(ends: Endpoints, type: str, *values: Any, **fields: Any) -> Table:
    """Create a source with good rows 1 and 2, and a bad row 3."""
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, value {type})")
    for number, value in enumerate(values, start=1):
        ends.source.run("INSERT INTO things VALUES (%s, %s)", (number, value))
    return ends.table(key=["id"], **fields)


def test_nul_in_text(from_mariadb: Endpoints) -> None:
    table = things(from_mariadb, "text", "a", None, "a\0b")
    refused(from_mariadb, table, "'value'", "id = '3'", "NUL")


@pytest.mark.parametrize("moment", ["0000-00-00", "2021-00-10", "2021-02-00"])
def test_zero_dates(from_mariadb: Endpoints, moment: str) -> None:
    table = things(from_mariadb, "date", "2021-02-05", None, moment)
    refused(from_mariadb, table, "id=3", "value", moment, "zero_dates: null")
    source = {"kind": "database", "table": [from_mariadb.source.namespace, "things"], "zero_dates": "null"}
    lenient = from_mariadb.table(key=["id"], source=source)
    from_mariadb.load(lenient)
    rows = from_mariadb.rows(lenient)
    assert [str(value) for _, value in rows] == ["2021-02-05", "None", "None"]


def test_zero_datetime(from_mariadb: Endpoints) -> None:
    table = things(from_mariadb, "datetime(6)", "2021-02-05 01:02:03", None, "0000-00-00 00:00:00")
    refused(from_mariadb, table, "id=3", "value", "zero_dates: null")


def test_text_longer_than_declared(from_mariadb: Endpoints) -> None:
    table = things(from_mariadb, "text", "abc", "", "abcdef" * 9, columns={"id": "int", "value": "varchar(5)"})
    refused(from_mariadb, table, "id=3", "value")


def test_number_out_of_the_declared_range(from_mariadb: Endpoints) -> None:
    table = things(from_mariadb, "bigint unsigned", 1, None, 2**64 - 1, columns={"id": "int", "value": "bigint"})
    refused(from_mariadb, table, "id=3", "value")


@pytest.mark.parametrize("declared", ["date", "decimal(10,2)", "boolean", "uuid"])
def test_text_that_is_not_a_value_of_the_declared_type(from_mariadb: Endpoints, declared: str) -> None:
    table = things(from_mariadb, "text", None, None, "no such", columns={"id": "int", "value": declared})
    if declared == "uuid" and from_mariadb.on_redshift:
        from_mariadb.load(table)
        assert from_mariadb.rows(table)[2] == (3, "no such")
        return
    refused(from_mariadb, table, "id=3", "value")


@pytest.mark.parametrize(
    ("type", "declared"),
    [("decimal(10,4)", "decimal(10,2)"), ("double", "real"), ("datetime(6)", "date"), ("datetime(6)", "timestamp(3)")],
)
def test_a_declared_type_that_would_lose_digits(from_mariadb: Endpoints, type: str, declared: str) -> None:
    table = things(from_mariadb, type, columns={"id": "int", "value": declared})
    refused(from_mariadb, table, "value", declared.replace(",", ", "), kind=SourceError)


@pytest.mark.parametrize(
    ("type", "value"),
    [("text", "é" * 32768), ("longtext", "x" * (4 * 2**20 + 1))],
    ids=["65,536 bytes of text", "a row of more than 4 MB"],
)
def test_too_large_for_redshift(from_mariadb: Endpoints, type: str, value: Any) -> None:
    table = things(from_mariadb, type.replace("text", "mediumtext") if type == "text" else type, "a", None, value)
    if from_mariadb.on_redshift:
        refused(from_mariadb, table, "id=3", "value")
    else:
        from_mariadb.load(table)
        (found,) = from_mariadb.destination.run(f"SELECT value FROM {from_mariadb.name(table)} WHERE id = 3")[0]
        assert (bytes(found) if isinstance(value, bytes) else found) == value


@pytest.mark.parametrize(
    ("type", "value"),
    [("timestamp", "infinity"), ("date", "-infinity"), ("numeric(10,2)", "NaN")],
)
def test_out_of_redshifts_range(from_postgres: Endpoints, type: str, value: str) -> None:
    table = things(from_postgres, type, None, None, value)
    if from_postgres.on_redshift:
        refused(from_postgres, table, "id=3", "value")
    else:
        from_postgres.load(table)
        assert from_postgres.destination.texts(f"SELECT value FROM {from_postgres.name(table)}")[2] == (value,)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("id int, value timestamp(3)", "timestamp(3)"),
        ("id int", "ADD COLUMN"),
        ("id int, value date", "TYPE"),
        ("id int, value timestamp, other int NOT NULL", "DROP NOT NULL"),
    ],
)
def test_a_table_that_does_not_fit(from_mariadb: Endpoints, made: str, expected: str) -> None:
    if from_mariadb.on_redshift and "(3)" in made:
        return  # Redshift's TIMESTAMP has no precision to choose
    table = things(from_mariadb, "datetime(6)", "2021-02-05 01:02:03.456789")
    schema = from_mariadb.destination.quote(from_mariadb.destination.namespace)
    from_mariadb.destination.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    from_mariadb.destination.run(f"CREATE TABLE {from_mariadb.name(table)} ({made})")
    with pytest.raises(SchemaMismatch) as caught:
        from_mariadb.load(table)
    assert expected in str(caught.value) and table.name in str(caught.value)
    assert from_mariadb.rows(table) == []
