"""Every statement that an error prints for Redshift runs as it is printed, and then the load works.

DROP COLUMN of a DISTKEY or SORTKEY, ALTER COLUMN TYPE and DROP NOT NULL have limits there (dg/r_ALTER_TABLE.html).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import SchemaMismatch
from daybook.ledger.ledger import Ledger
from tests.support.source_and_warehouse import Database, Endpoints, parse_as_redshift
from tests.support.source_warehouse_fixtures import ends_of, source_database

pytestmark = pytest.mark.servers

MADE = "id int PRIMARY KEY, at timestamp, score smallint, word varchar(20)"
DAYS = {"load": "replace_interval", "key": ["id"], "cursor": "at", "interval": "day", "redshift": {"distkey": "id"}}


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Iterator[Database]:
    with source_database("postgres", request) as database:
        database.run(f"CREATE TABLE things ({MADE})")
        database.insert("things", [(n, f"2021-02-0{5 + n // 3} 01:00:00", n, f"word {n}") for n in range(6)])
        yield database


@pytest.fixture
def ends(source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(source, "redshift-s3", request, tmp_path) as both:
        yield both


def keys(ends: Endpoints, table: Table) -> dict[str, tuple[bool, int]]:
    """Return the columns of the keys: True for the DISTKEY, and the place in the SORTKEY."""
    rows = ends.destination.run(
        "SELECT column_name, distkey, sortkey FROM svv_redshift_columns WHERE schema_name = %s AND table_name = %s",
        table.name.split("."),
    )
    return {column: (distkey, sortkey) for column, distkey, sortkey in rows if distkey or sortkey}


def refused(ends: Endpoints, table: Table) -> list[str]:
    """Return the statements of the error, a line each, exactly as it prints them."""
    before = ends.state(table)
    with pytest.raises(SchemaMismatch) as caught:
        ends.load(table)
    assert ends.state(table) == before
    found = re.findall(r"ALTER TABLE .+?(?=; or keep|\. If it| \(or set|, and |$)", str(caught.value), re.MULTILINE)
    assert found, str(caught.value)
    for statement in found:
        parse_as_redshift(statement)
    return found


def run(ends: Endpoints, printed: str, *, together: bool) -> None:
    """Run what was printed as a person does: all of it at once, which is one transaction, or each by itself."""
    with ends.destination.connection() as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in [printed] if together else printed.split("; "):
            cursor.execute(statement)


def changed(table: Table, ends: Endpoints, **fields: Any) -> Table:
    return ends.table(**{**{name: getattr(table, name) for name in ("load", "key", "cursor", "interval")}, **fields})


@pytest.mark.each_value
@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
@pytest.mark.parametrize(
    ("alter", "expected"),
    {
        "the cursor, which is the SORTKEY": ("ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC'", "ALTER SORTKEY"),
        "the DISTKEY": ("ALTER id TYPE bigint", "ALTER DISTSTYLE KEY DISTKEY"),
        "a column of no key": ("ALTER score TYPE int", "ADD COLUMN"),
        "a longer text": ("ALTER word TYPE varchar(60), ALTER score TYPE int", "ADD COLUMN"),
    }.values(),
    ids=["the cursor", "the distkey", "another column", "a longer text"],
)
def test_another_type(ends: Endpoints, alter: str, expected: str, together: bool) -> None:
    table = ends.table(**DAYS)
    ends.load(table)
    found = keys(ends, table)
    assert found == {"id": (True, 0), "at": (False, 1)}
    ends.source.run(f"ALTER TABLE things {alter}")  # type: ignore[union-attr]
    (printed,) = refused(ends, table)
    assert expected in printed
    run(ends, printed, together=together)
    assert keys(ends, table) == found
    ends.load(table)
    assert len(ends.rows(table)) == 6
    assert ends.rows(table, "id, word") == [(n, f"word {n}") for n in range(6)]


def test_times_are_converted_in_the_zone_of_the_table(ends: Endpoints) -> None:
    table = ends.table(**DAYS, timezone="Asia/Tokyo")
    ends.load(table)
    ends.source.run("ALTER TABLE things ALTER at TYPE timestamptz USING at AT TIME ZONE 'Asia/Tokyo'")  # type: ignore[union-attr]
    (printed,) = refused(ends, table)
    run(ends, printed, together=True)
    before = ends.rows(table, "id, at")
    ends.load(table)
    assert ends.rows(table, "id, at") == before


@pytest.mark.parametrize(
    ("column", "named"),
    [
        ("word varchar(80) DEFAULT '100 % ''x'''", "DEFAULT"),
        ("word varchar(80) ENCODE bytedict", "ADD COLUMN"),
        pytest.param("word varchar(80) ENCODE runlength", "ADD COLUMN", marks=pytest.mark.full),
        pytest.param("word varchar(80) ENCODE text255", "ADD COLUMN", marks=pytest.mark.full),
        pytest.param("word varchar(80) ENCODE text32k", "ADD COLUMN", marks=pytest.mark.full),
        ("word varchar(80) DEFAULT 'x' SORTKEY", "ALTER SORTKEY NONE"),
    ],
)
def test_a_text_that_is_not_widened_in_place(ends: Endpoints, column: str, named: str) -> None:
    """A default and some encodings exclude ALTER COLUMN TYPE, also where it was made by hand in an existing estate."""
    table = ends.table(key=["id"])
    ends.destination.run(f"CREATE TABLE {ends.name(table)} (id int, at timestamp, score smallint, {column})")
    ends.load(table)
    ends.source.run("ALTER TABLE things ALTER word TYPE varchar(60)")  # type: ignore[union-attr]
    (printed,) = refused(ends, table)
    assert named in printed and "ALTER COLUMN" not in printed
    run(ends, printed, together=True)
    ends.load(table)
    assert ends.destination.types(table.name)["word"] == "character varying(240)"
    if "DEFAULT" in column:
        ends.destination.run(f"INSERT INTO {ends.name(table)} (id) VALUES (100)")
        assert ends.rows(table, "word", "id")[-1] == ("x" if "SORTKEY" in column else "100 % 'x'",)


def test_a_text_with_a_declared_key(ends: Endpoints) -> None:
    """A load tries to widen it. If Redshift refuses that, the error has the statements that work."""
    table = ends.table(key=["id"])
    columns = "id int, at timestamp, score smallint, word varchar(80) UNIQUE"
    ends.destination.run(f"CREATE TABLE {ends.name(table)} ({columns})")
    ends.load(table)
    ends.source.run("ALTER TABLE things ALTER word TYPE varchar(60)")  # type: ignore[union-attr]
    (printed,) = refused(ends, table)
    run(ends, printed, together=True)
    ends.load(table)
    assert ends.destination.types(table.name)["word"] == "character varying(240)"


@pytest.mark.parametrize("key", ["", " DISTKEY", pytest.param(" SORTKEY", marks=pytest.mark.full)])
def test_a_column_that_must_not_be_null(ends: Endpoints, key: str) -> None:
    table = ends.table(key=["id"])
    columns = f"id int, at timestamp, score smallint, word varchar(80), other varchar(9) NOT NULL{key}"
    ends.destination.run(f"CREATE TABLE {ends.name(table)} ({columns})")
    ends.destination.run(f"INSERT INTO {ends.name(table)} VALUES (9, NULL, 1, 'old', 'kept')")
    with ends.warehouse.session() as session:
        Ledger(ends.warehouse).ensure(session)  # no table was loaded yet
    (printed,) = refused(ends, table)
    assert "DROP NOT NULL" not in printed
    run(ends, printed, together=True)
    assert ends.rows(table, "other") == [("kept",)]
    assert ends.destination.types(table.name)["other"] == "character varying(9)"
    ends.load(table, full_refresh=True)
    assert len(keys(ends, table)) == bool(key)


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
def test_a_column_that_is_gone(ends: Endpoints, together: bool) -> None:
    table = ends.table(key=["id"], redshift={"distkey": "word", "sortkey": ["word", "score"]})
    ends.load(table)
    ends.source.run("ALTER TABLE things DROP COLUMN word")  # type: ignore[union-attr]
    without = ends.table(key=["id"], redshift={"sortkey": ["score"]})
    (printed,) = refused(ends, without)
    run(ends, printed, together=together)
    assert keys(ends, table) == {"score": (False, 1)}
    ends.load(without)


def test_several_columns_of_a_key(ends: Endpoints) -> None:
    """The statements of one line do not restore a key with a column that an earlier line has dropped."""
    table = ends.table(key=["id"], redshift={"distkey": "word", "sortkey": ["word", "score", "at", "id"]})
    ends.load(table)
    ends.source.run("ALTER TABLE things DROP word, DROP at, ALTER score TYPE int")  # type: ignore[union-attr]
    without = ends.table(key=["id"])
    for printed in refused(ends, without):
        run(ends, printed, together=True)
    assert keys(ends, table) == {"score": (False, 1), "id": (False, 2)}
    ends.load(without)


def test_a_column_that_is_kept(ends: Endpoints) -> None:
    table = ends.table(key=["id"], redshift={"sortkey": "word"})
    ends.load(table)
    ends.source.run("ALTER TABLE things DROP COLUMN word")  # type: ignore[union-attr]
    without = ends.table(key=["id"])
    with pytest.raises(SchemaMismatch) as caught:
        ends.load(without)
    (printed,) = re.findall(r"DELETE FROM .*", str(caught.value))
    run(ends, printed, together=True)
    ends.load(without)
    assert keys(ends, table) == {"word": (False, 1)}


def test_a_column_with_another_name_or_a_new_one(ends: Endpoints) -> None:
    table = ends.table(key=["id"], redshift={"sortkey": "word"})
    ends.load(table)
    ends.source.run("ALTER TABLE things RENAME word TO noun")  # type: ignore[union-attr]
    renamed = ends.table(key=["id"])
    rename, _drop = refused(ends, renamed)
    run(ends, rename, together=True)
    ends.load(renamed)
    ends.source.run("ALTER TABLE things ADD colour varchar(9)")  # type: ignore[union-attr]
    (add,) = refused(ends, renamed)
    run(ends, add, together=True)
    ends.load(renamed)
    assert keys(ends, table) == {"noun": (False, 1)}


def test_an_interleaved_sort_key_becomes_compound(ends: Endpoints) -> None:
    """ALTER SORTKEY NONE works for it, and nothing makes it interleaved again. The remedy says so."""
    table = ends.table(key=["id"], redshift={"distkey": "id", "sortkey": ["score", "at"], "sort_type": "interleaved"})
    ends.load(table)
    assert keys(ends, table) == {"id": (True, 0), "score": (False, -1), "at": (False, 2)}
    ends.source.run("ALTER TABLE things ALTER id TYPE bigint")  # type: ignore[union-attr]
    (printed,) = refused(ends, table)
    assert "cannot make it INTERLEAVED again" in printed
    run(ends, printed, together=True)
    assert keys(ends, table) == {"id": (True, 0), "score": (False, 1), "at": (False, 2)}
    ends.load(table)


def test_what_auto_has_chosen_stays_automatic(ends: Endpoints) -> None:
    table = ends.table(**{**DAYS, "redshift": None})
    ends.load(table)
    for layout in ("DISTKEY id", "DISTSTYLE AUTO", "SORTKEY AUTO"):
        ends.destination.run(f"ALTER TABLE {ends.name(table)} ALTER {layout}")
    ends.source.run("ALTER TABLE things ALTER id TYPE bigint, ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC'")  # type: ignore[union-attr]
    for printed in refused(ends, table):
        run(ends, printed, together=True)
    ends.load(table)
    style = 'SELECT diststyle, sortkey1 FROM svv_table_info WHERE "schema" = %s AND "table" = \'things\''
    assert ends.destination.run(style, (ends.destination.namespace,)) == [("AUTO(EVEN)", "AUTO(SORTKEY)")]
