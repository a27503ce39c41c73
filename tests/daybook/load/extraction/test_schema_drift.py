"""What changes at a source between two loads: found before a row is read, with the statement that mends it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import SchemaMismatch
from daybook.ledger.source_columns import COLUMNS
from daybook.load.extraction.schema_drift import widens
from daybook.load.load import load
from daybook.model.types import Type, parse_type
from tests.support.source_and_warehouse import Database, Endpoints, parse_as_redshift
from tests.support.source_warehouse_fixtures import ends_of

pytestmark = pytest.mark.any_warehouse


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def ends(source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Each source with PostgreSQL and with Redshift: nothing depends on the stage."""
    with ends_of(source, request.param, request, tmp_path) as both:
        yield both


def by_hand(ends: Endpoints, *statements: str) -> None:
    """Run them in the warehouse as a person does, each by itself: Redshift alters no type within a transaction."""
    with ends.destination.connection() as connection, connection.cursor() as cursor:
        connection.rollback()
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)


def make(ends: Endpoints, strategy: str = "replace", **fields: Any) -> Table:
    """Six rows in two days, loaded."""
    clock = "datetime(6)" if ends.source.is_mysql else "timestamp"
    ends.source.run(
        f"CREATE TABLE things (id int PRIMARY KEY, at {clock}, score smallint, word varchar(20), price decimal(10,2))"
    )
    ends.source.insert("things", [(n, f"2021-02-0{5 + n // 3} 01:00:00", n, f"word {n}", n) for n in range(6)])
    table = table_of(ends, strategy, **fields)
    ends.load(table)
    return table


def table_of(ends: Endpoints, strategy: str = "replace", **fields: Any) -> Table:
    intervals = {} if strategy == "replace" else {"cursor": "at", "interval": "day"}
    return ends.table(load=strategy, key=["id"], **intervals, **fields)


def retype(ends: Endpoints, column: str, mysql: str, postgres: str) -> None:
    if ends.source.is_mysql:
        ends.source.run(f"ALTER TABLE things MODIFY {column} {mysql}")
    else:
        ends.source.run(f"ALTER TABLE things ALTER COLUMN {column} TYPE {postgres} USING {column}::{postgres}")


def refused(ends: Endpoints, table: Table, *said: str) -> str:
    """A load is refused before anything is read or staged, and changes nothing. Returns what was said."""
    before = ends.state(table)
    with pytest.raises(SchemaMismatch) as caught:
        ends.load(table)
    message = str(caught.value)
    for text in said:
        assert text in message, message
    assert ends.state(table) == before
    assert ends.staged_keys() == []
    return message


def statements(message: str) -> list[str]:
    """The ALTERs of a message, each as it would be copied out of it."""
    found = re.findall(r"ALTER TABLE .+?(?=; or keep|, and |\. If it| \(or set|$)", message, re.MULTILINE)
    assert found, message
    return found


def obey(ends: Endpoints, message: str) -> None:
    """Run the first ALTER of each line of a message, as a person would."""
    for line in message.splitlines():
        if "ALTER TABLE" in line:
            alter = statements(line)[0]
            if ends.on_redshift:
                parse_as_redshift(alter)
            by_hand(ends, *alter.split("; "))


# --- what is new ---------------------------------------------------------------------------------------------------


def test_a_new_column_fails_by_default(ends: Endpoints) -> None:
    table = make(ends)
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    message = refused(ends, table, "'colour'", "ADD COLUMN", "on_new_column: add")
    obey(ends, message)
    assert ends.load(table).rows == 6
    assert "colour" in ends.destination.types(table.name)


@pytest.mark.pairwise
@pytest.mark.parametrize("strategy", ["replace_interval", "upsert"])
def test_a_new_column_is_added_and_older_rows_have_null_in_it(ends: Endpoints, strategy: str) -> None:
    table = make(ends, strategy, on_new_column="add")
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10) NOT NULL DEFAULT 'red'")
    ends.source.run("UPDATE things SET score = 70 WHERE id = 4")
    for _ in range(2):
        ends.load(table, "2021-02-06")
        assert ends.rows(table, "id, colour, score") == [
            *((n, None, n) for n in range(3)),
            *((n, "red", 70 if n == 4 else n) for n in range(3, 6)),
        ]


def test_a_new_column_is_added_only_by_the_load(from_mysql: Endpoints) -> None:
    """An extraction changes nothing in the warehouse; so does a load that is stopped before it has begun."""
    ends = from_mysql
    table = make(ends, on_new_column="add")
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    extracted = ends.extract(table)
    assert "colour" not in ends.destination.types(table.name)
    load(extracted, ends.warehouse, ends.stage)
    assert "colour" in ends.destination.types(table.name)


def test_a_new_column_is_ignored(ends: Endpoints) -> None:
    table = make(ends, on_new_column="ignore")
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    for _ in range(2):
        assert ends.load(table).rows == 6
        assert "colour" not in ends.destination.types(table.name)


LISTED = {"id": "integer", "at": "timestamp", "score": "smallint"}


@pytest.mark.parametrize(
    ("policy", "fails"),
    [(None, False), ("ignore", False), ("add", False), ("fail", True)],
    ids=["by default", "ignore", "add", "fail"],
)
def test_a_new_column_that_columns_does_not_list(from_mysql: Endpoints, policy: str | None, fails: bool) -> None:
    ends = from_mysql
    given = {} if policy is None else {"on_new_column": policy}
    table = make(ends, columns=LISTED, **given)
    assert ends.load(table).rows == 6  # what was not listed from the beginning is not new
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    if fails:
        refused(ends, table, "'colour'", "columns: does not list it", "on_new_column: ignore")
    else:
        ends.load(table)
        assert list(ends.destination.types(table.name)) == list(LISTED)


def test_a_column_that_is_listed_now_is_added_where_the_table_file_says_so(from_mysql: Endpoints) -> None:
    ends = from_mysql
    make(ends, columns=LISTED)
    more = {**LISTED, "word": "varchar(20)"}
    refused(ends, table_of(ends, columns=more), "'word'", "ADD COLUMN")
    table = table_of(ends, columns=more, on_new_column="add")
    ends.load(table)
    assert ends.rows(table, "id, word")[0] == (0, "word 0")


# --- what is gone, renamed, of another type or narrower -------------------------------------------------------------

#: What happens at the source (MariaDB, PostgreSQL), the column, and what is said of it.
CHANGES: dict[str, tuple[Callable[[Endpoints], None], tuple[str, ...]]] = {
    "gone": (
        lambda ends: ends.source.run("ALTER TABLE things DROP COLUMN word") and None,
        ("its column 'word' is gone", 'DROP COLUMN "word"'),
    ),
    "renamed": (
        lambda ends: ends.source.run("ALTER TABLE things RENAME COLUMN word TO wording") and None,
        (
            "'word' is gone",
            "'wording' of the same type is new",
            "If it was renamed: ALTER TABLE",
            'COLUMN "word" TO "wording"',
        ),
    ),
    "of another type": (
        lambda ends: retype(ends, "score", "varchar(9)", "varchar(9)"),
        ("'score' was smallint and is varchar(9), which is another type", "ALTER TABLE"),
    ),
    "a number that was a decimal": (
        lambda ends: retype(ends, "price", "double", "double precision"),
        ("'price' was decimal(10, 2) and is double, which is another type", "ALTER TABLE"),
    ),
    "narrower": (
        lambda ends: retype(ends, "word", "varchar(15)", "varchar(15)"),
        ("'word' was varchar(20) and is varchar(15), which is narrower", "ALTER TABLE"),
    ),
    "fewer digits": (
        lambda ends: retype(ends, "price", "decimal(8,2)", "numeric(8,2)"),
        ("'price' was decimal(10, 2) and is decimal(8, 2), which is narrower", "ALTER TABLE"),
    ),
    "a smaller integer": (
        lambda ends: retype(ends, "id", "smallint", "smallint"),
        ("'id' was integer and is smallint, which is narrower", "ALTER TABLE"),
    ),
    "an instant that was a local time": (
        lambda ends: retype(ends, "at", "timestamp(6)", "timestamptz"),
        ("'at' was timestamp(6)", "timestamptz"),
    ),
}


@pytest.mark.pairwise
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused_until_its_alter_is_run(ends: Endpoints, change: str) -> None:
    table = make(ends)
    happens, said = CHANGES[change]
    happens(ends)
    if change == "an instant that was a local time" and not ends.source.is_mysql:
        said = ("'at' was timestamp and is timestamptz",)
    refused(ends, table, *said)
    message = refused(ends, table, *said)  # it is not forgotten
    obey(ends, message)
    for _ in range(2):
        assert ends.load(table).rows == 6
    assert ends.rows(table, "id") == [(n,) for n in range(6)]


@pytest.mark.pairwise
@pytest.mark.parametrize("change", ["gone", "of another type", "narrower"])
@pytest.mark.parametrize("policy", ["add", "ignore"])
def test_a_change_is_refused_whatever_becomes_of_new_columns(from_mysql: Endpoints, change: str, policy: str) -> None:
    ends = from_mysql
    table = make(ends, on_new_column=policy)
    happens, said = CHANGES[change]
    happens(ends)
    refused(ends, table, *said)


def test_a_renamed_column_is_not_added(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends, on_new_column="add")
    CHANGES["renamed"][0](ends)
    refused(ends, table, "If it was renamed: ")
    assert "wording" not in ends.destination.types(table.name)


@pytest.mark.parametrize("change", ["gone", "of another type", "narrower"])
def test_the_warehouse_may_also_stay_as_it_is(from_mysql: Endpoints, change: str) -> None:
    """What the message says beside the ALTER: the column is forgotten, and left to whoever wants it."""
    ends = from_mysql
    table = make(ends)
    types = ends.destination.types(table.name)
    CHANGES[change][0](ends)
    message = refused(ends, table, "; or keep the column unchanged: DELETE FROM")
    ends.destination.run(message.split("keep the column unchanged: ")[1])
    for _ in range(2):
        assert ends.load(table).rows == 6
    assert ends.destination.types(table.name) == types


def test_a_listed_column_that_is_gone_or_of_another_type(from_mysql: Endpoints) -> None:
    """The warehouse could hold it, and the declared type still fits: a person looks at it all the same."""
    ends = from_mysql
    table = make(ends, columns={**LISTED, "word": "varchar(20)"})
    retype(ends, "score", "varchar(9)", "varchar(9)")
    ends.source.run("ALTER TABLE things RENAME COLUMN word TO wording")
    refused(
        ends, table, "'score' was smallint and is varchar(9)", "declare varchar(9) under columns:",
        "'word' is gone", "If it was renamed: ", "correct columns: in the table file",
    )  # fmt: skip


def test_a_key_that_is_renamed(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends)
    ends.source.run("ALTER TABLE things RENAME COLUMN id TO thing_id")
    message = refused(ends, table, "'id' is gone", '"id" TO "thing_id"')
    obey(ends, message)
    assert ends.load(ends.table(key=["thing_id"])).rows == 6


def test_a_column_that_was_never_loaded_is_nobodys_loss(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends, columns=LISTED)
    ends.source.run("ALTER TABLE things DROP COLUMN word")
    assert ends.load(table).rows == 6


def test_what_people_added_to_the_table_is_left_alone(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends)
    kind = "integer IDENTITY(1,1)" if ends.on_redshift else "integer GENERATED ALWAYS AS IDENTITY"
    if not ends.on_redshift:
        ends.destination.run(f"ALTER TABLE {ends.name(table)} ADD COLUMN seen {kind}")
    ends.destination.run(f"ALTER TABLE {ends.name(table)} ADD COLUMN note varchar(10)")
    ends.destination.run(f"ALTER TABLE {ends.name(table)} ADD COLUMN made integer DEFAULT 5")
    for _ in range(2):
        assert ends.load(table).rows == 6
    assert {"note", "made"} < set(ends.destination.types(table.name))


# --- what is wider -------------------------------------------------------------------------------------------------


def written_anew(ends: Endpoints, table: Table) -> Any:
    """What changes where PostgreSQL writes a table's rows anew."""
    if ends.on_redshift:
        return None
    return ends.destination.run("SELECT relfilenode FROM pg_class WHERE oid = %s::regclass", (ends.name(table),))


def test_a_longer_text_widens_the_column_and_writes_no_row(ends: Endpoints, caplog: pytest.LogCaptureFixture) -> None:
    table = make(ends)
    before = written_anew(ends, table)
    retype(ends, "word", "varchar(40)", "varchar(40)")
    ends.source.run("UPDATE things SET word = %s WHERE id = 1", ("x" * 40,))
    extracted = ends.extract(table)
    load(extracted, ends.warehouse, ends.stage)
    assert ends.rows(table, "id, word")[1] == (1, "x" * 40)
    assert "varchar(40)" in caplog.text or "varchar(160)" in caplog.text
    assert written_anew(ends, table) == before


@pytest.mark.parametrize(
    ("column", "in_mysql", "in_postgres"),
    [("word", "text", "text"), ("price", "decimal(14,2)", "numeric(14,2)"), ("price", "decimal(12,2)", "numeric")],
    ids=["text", "more digits", "a decimal without a limit"],
)
def test_what_postgresql_widens_in_place(ends: Endpoints, column: str, in_mysql: str, in_postgres: str) -> None:
    table = make(ends)
    before = written_anew(ends, table)
    retype(ends, column, in_mysql, in_postgres)
    if ends.on_redshift and column == "price":
        obey(ends, refused(ends, table, "which is wider", "RENAME COLUMN"))
    assert ends.load(table).rows == 6
    assert written_anew(ends, table) == before


@pytest.mark.parametrize(
    ("column", "in_mysql", "in_postgres", "said"),
    [
        ("score", "int", "integer", "'score' was smallint and is integer, which is wider"),
        ("id", "bigint", "bigint", "'id' was integer and is bigint, which is wider"),
        ("price", "decimal(12,4)", "numeric(12,4)", "'price' was decimal(10, 2) and is decimal(12, 4), which is wider"),
    ],
    ids=["smallint to integer", "integer to bigint", "more digits behind the point"],
)
def test_what_would_be_written_anew_is_a_persons_decision(
    ends: Endpoints, column: str, in_mysql: str, in_postgres: str, said: str
) -> None:
    table = make(ends)
    retype(ends, column, in_mysql, in_postgres)
    obey(ends, refused(ends, table, said, "ALTER TABLE"))
    assert ends.load(table).rows == 6


def test_a_warehouse_that_is_wide_enough_is_left_alone(from_postgres: Endpoints) -> None:
    ends = from_postgres
    table = make(ends)
    if ends.on_redshift:
        by_hand(ends, f"ALTER TABLE {ends.name(table)} ALTER COLUMN word TYPE varchar(900)")
    else:
        ends.destination.run(f"ALTER TABLE {ends.name(table)} ALTER COLUMN word TYPE text")
        ends.destination.run(f"ALTER TABLE {ends.name(table)} ALTER COLUMN score TYPE bigint")
        retype(ends, "score", "int", "integer")
    types = ends.destination.types(table.name)
    retype(ends, "word", "varchar(40)", "varchar(40)")
    assert ends.load(table).rows == 6
    assert ends.destination.types(table.name) == types


def test_a_column_that_a_view_holds_fast(from_postgres: Endpoints) -> None:
    ends = from_postgres
    table = make(ends)
    if ends.on_redshift:
        return
    ends.destination.run(f"CREATE VIEW raw.words AS SELECT word FROM {ends.name(table)}")
    retype(ends, "word", "varchar(40)", "varchar(40)")
    with pytest.raises(SchemaMismatch, match=r"used by a view.*Run it by hand: ALTER TABLE"):
        ends.load(table)


def test_a_declared_type_rules_over_a_wider_source(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends, columns={**LISTED, "word": "varchar(20)"})
    types = ends.destination.types(table.name)
    retype(ends, "word", "varchar(40)", "varchar(40)")
    assert ends.load(table).rows == 6
    assert ends.destination.types(table.name) == types


# --- the memory ----------------------------------------------------------------------------------------------------


def test_the_memory_is_written_when_something_has_changed_and_only_then(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends, mask={"word": "hash"}, on_new_column="add")

    def remembered() -> list[tuple[Any, ...]]:
        return ends.destination.run(
            "SELECT column_name, column_type, loaded FROM daybook.columns WHERE table_name = %s "
            "ORDER BY noted_at, place",
            (table.name,),
        )

    first = [
        *[("id", "integer", True), ("at", "timestamp(6)", True), ("score", "smallint", True)],
        *[("word", "varchar(64)", True), ("price", "decimal(10, 2)", True)],
    ]
    assert remembered() == first
    ends.load(table)
    assert remembered() == first
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    ends.extract(table)
    assert remembered() == first
    ends.load(table)
    assert remembered() == [*first, *first, ("colour", "varchar(10)", True)]
    assert len(COLUMNS) == 7


def test_an_older_daybook_kept_no_memory(from_mysql: Endpoints) -> None:
    ends = from_mysql
    table = make(ends)
    ends.destination.run("DELETE FROM daybook.columns WHERE table_name = %s", (table.name,))
    ends.source.run("ALTER TABLE things DROP COLUMN word")
    assert ends.load(table).rows == 6
    retype(ends, "score", "varchar(9)", "varchar(9)")
    refused(ends, table, "'score' was smallint and is varchar(9)")


def test_a_column_that_is_masked_later_is_refused_until_the_warehouse_fits(from_postgres: Endpoints) -> None:
    ends = from_postgres
    make(ends)
    dropped = table_of(ends, mask={"word": "drop"})
    obey(ends, refused(ends, dropped, "'word' is gone", "DROP COLUMN"))
    ends.load(dropped)
    assert "word" not in ends.destination.types(dropped.name)


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        ("varchar(20)", "varchar(40)", True),
        ("varchar(20)", "varchar", True),
        ("varchar(20)", "text", True),
        ("varchar", "varchar(20)", False),
        ("text", "varchar(20)", False),
        ("smallint", "bigint", True),
        ("bigint", "integer", False),
        ("decimal(10,2)", "decimal(12,2)", True),
        ("decimal(10,2)", "decimal(12,4)", True),
        ("decimal(10,2)", "decimal(10,4)", False),
        ("decimal(10,2)", "decimal", True),
        ("decimal", "decimal(10,2)", False),
        ("real", "double", True),
        ("timestamp(0)", "timestamp", True),
        ("timestamp", "timestamp(3)", False),
        ("timestamp", "timestamptz", False),
        ("date", "timestamp", False),
        ("integer", "integer", False),
        ("boolean", "smallint", False),
    ],
)
def test_what_is_wider(old: str, new: str, wider: bool) -> None:
    assert widens(parse_type(old), parse_type(new)) is wider


def test_a_type_of_postgresql_has_no_width() -> None:
    assert not widens(Type("native", native="inet"), Type("native", native="cidr"))
