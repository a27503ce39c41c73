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


def test_nul_in_text(from_mysql: Endpoints) -> None:
    table = things(from_mysql, "text", "a", None, "a\0b")
    refused(from_mysql, table, "'value'", "id = '3'", "NUL")


@pytest.mark.parametrize("moment", ["0000-00-00", "2021-00-10", "2021-02-00"])
def test_zero_dates(from_mysql: Endpoints, moment: str) -> None:
    table = things(from_mysql, "date", "2021-02-05", None, moment)
    refused(from_mysql, table, "id=3", "value", moment, "zero_dates: null")
    source = {"kind": "database", "table": [from_mysql.source.namespace, "things"], "zero_dates": "null"}
    lenient = from_mysql.table(key=["id"], source=source)
    from_mysql.load(lenient)
    rows = from_mysql.rows(lenient)
    assert [str(value) for _, value in rows] == ["2021-02-05", "None", "None"]


def test_zero_datetime(from_mysql: Endpoints) -> None:
    table = things(from_mysql, "datetime(6)", "2021-02-05 01:02:03", None, "0000-00-00 00:00:00")
    refused(from_mysql, table, "id=3", "value", "zero_dates: null")


def test_text_longer_than_declared(from_mysql: Endpoints) -> None:
    table = things(from_mysql, "text", "abc", "", "abcdef" * 9, columns={"id": "int", "value": "varchar(5)"})
    refused(from_mysql, table, "id=3", "value")


def test_number_out_of_the_declared_range(from_mysql: Endpoints) -> None:
    table = things(from_mysql, "bigint unsigned", 1, None, 2**64 - 1, columns={"id": "int", "value": "bigint"})
    refused(from_mysql, table, "id=3", "value")


@pytest.mark.parametrize("declared", ["date", "decimal(10,2)", "boolean", "uuid"])
def test_text_that_is_not_a_value_of_the_declared_type(from_mysql: Endpoints, declared: str) -> None:
    table = things(from_mysql, "text", None, None, "no such", columns={"id": "int", "value": declared})
    if declared == "uuid" and from_mysql.on_redshift:
        from_mysql.load(table)
        assert from_mysql.rows(table)[2] == (3, "no such")
        return
    refused(from_mysql, table, "id=3", "value")


@pytest.mark.parametrize(
    ("type", "declared"),
    [("decimal(10,4)", "decimal(10,2)"), ("double", "real"), ("datetime(6)", "date"), ("datetime(6)", "timestamp(3)")],
)
def test_a_declared_type_that_would_lose_digits(from_mysql: Endpoints, type: str, declared: str) -> None:
    table = things(from_mysql, type, columns={"id": "int", "value": declared})
    refused(from_mysql, table, "value", declared.replace(",", ", "), kind=SourceError)


@pytest.mark.parametrize(
    ("type", "value"),
    [("text", "é" * 32768), ("longtext", "x" * (4 * 2**20 + 1))],
    ids=["65,536 bytes of text", "a row of more than 4 MB"],
)
def test_too_large_for_redshift(from_mysql: Endpoints, type: str, value: Any) -> None:
    table = things(from_mysql, type.replace("text", "mediumtext") if type == "text" else type, "a", None, value)
    if from_mysql.on_redshift:
        refused(from_mysql, table, "id=3", "value")
    else:
        from_mysql.load(table)
        (found,) = from_mysql.destination.run(f"SELECT value FROM {from_mysql.name(table)} WHERE id = 3")[0]
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
        ("id int, value timestamp(3)", ("timestamp(3)", "")),  # Redshift's TIMESTAMP has no precision to choose
        ("id int", ("ADD COLUMN", "ADD COLUMN")),
        ("id int, value date", ("TYPE", 'RENAME COLUMN "value_new"')),
        ("id int, value timestamp, other int NOT NULL", ("DROP NOT NULL", 'RENAME COLUMN "other_new"')),
    ],
)
def test_a_table_that_does_not_fit(from_mysql: Endpoints, made: str, expected: tuple[str, str]) -> None:
    """The error has the ALTER, which Redshift does not have for most changes: there, it moves the values."""
    words = expected[from_mysql.on_redshift]
    if not words:
        return
    table = things(from_mysql, "datetime(6)", "2021-02-05 01:02:03.456789")
    schema = from_mysql.destination.quote(from_mysql.destination.namespace)
    from_mysql.destination.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    from_mysql.destination.run(f"CREATE TABLE {from_mysql.name(table)} ({made})")
    with pytest.raises(SchemaMismatch) as caught:
        from_mysql.load(table)
    assert words in str(caught.value) and table.name in str(caught.value)
    assert from_mysql.rows(table) == []
