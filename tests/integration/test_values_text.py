"""Texts, numbers, names, and tables of every kind are loaded unchanged."""

import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.source_and_warehouse import Database, Endpoints

HARD = [
    "", " ", "  both ends  ", "\n", "\r", "\r\n", "\t", "a\nb", "a,b", '"', '""', "'", '","', '"\n"', "\\", "\\\\",
    "\\N", "\\.", "\n\\.\n", "NULL", "null", "\\x00", "é", "😀", "日本", "\u202e", "\ufeff", "\x01", "\x1e", "\x1f",
    "\\n", "\x7f", "%s", "%%", "{}", "$1", "--", "a" * 60000, "\u00a0", "\u2028", "\U0010ffff", "a\x1eb", "0", "t",
]  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
# One example is a load of many rows. Shrinking it would run many more loads.
ONE_BATCH = settings(
    max_examples=4,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def refill(source: Database, table: str, rows: list[tuple[Any, ...]]) -> None:
    source.run(f"DELETE FROM {table}")
    source.insert(table, rows)


def test_hard_texts(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a text, b varchar(60000), c text)")
    rows = [(number, text, HARD[number - 1][:9999], None) for number, text in enumerate(HARD)]
    ends.source.insert("things", rows)
    table = ends.table(key=["id"])
    ends.load(table)
    assert ends.rows(table) == rows


def test_a_text_that_equals_the_null_marker(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a text, b text)")
    ends.source.insert("things", [(1, ends.warehouse.csv_format().null, None)])
    table = ends.table(key=["id"])
    ends.load(table)
    assert ends.rows(table) == ends.source.run("SELECT * FROM things")


@pytest.mark.pairwise
@pytest.mark.parametrize("declared", ["text", None])
def test_empty_bytes_in_a_column_of_text(ends: Endpoints, declared: str | None) -> None:
    """The table file declares the column as text, or an older table has it as text."""
    binary = "varbinary(20)" if ends.source.is_mysql else "bytea"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, raw {binary}, other {binary})")
    ends.source.insert("things", [(1, b"", b""), (2, b"x", b""), (3, None, None)])
    columns = {"columns": {"id": "integer", "raw": declared, "other": "bytes"}} if declared else {}
    table = ends.table(key=["id"], **columns)
    if not declared:
        kind = "varbyte" if ends.on_redshift else "bytea"
        ends.destination.run(f"CREATE SCHEMA IF NOT EXISTS {ends.destination.quote(ends.destination.namespace)}")
        ends.destination.run(f"CREATE TABLE {ends.name(table)} (id int, raw varchar(40), other {kind})")
    ends.load(table)
    prefix = "" if ends.on_redshift else "\\x"
    found = ends.destination.texts(f"SELECT id, raw, other FROM {ends.name(table)} ORDER BY id")
    assert [row[1:] for row in found] == [(prefix, "\\x"), (prefix + "78", "\\x"), (None, None)]


def test_any_text(ends: Endpoints) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a text, b text)")
    table = ends.table(key=["id"], shrink_limit=0)

    @ONE_BATCH
    @given(st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), min_size=40, max_size=80))
    def are_loaded(texts: list[tuple[str | None, str | None]]) -> None:
        rows = [(number, *pair) for number, pair in enumerate(texts)]
        refill(ends.source, "things", rows)
        ends.load(table)
        assert ends.rows(table) == rows

    are_loaded()


def test_any_number(ends: Endpoints) -> None:
    double = "double" if ends.source.is_mysql else "double precision"
    single = "float" if ends.source.is_mysql else "real"
    ends.source.run(f"CREATE TABLE things (id int PRIMARY KEY, a bigint, b decimal(38,9), c {double}, d {single})")
    table = ends.table(key=["id"], shrink_limit=0)
    # MariaDB has no negative zero
    double_value = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
    single_value = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda number: number + 0.0)
    row = st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.decimals(-(10**28), 10**28, places=9),
        double_value,
        single_value,
    )

    @ONE_BATCH
    @given(st.lists(row, min_size=40, max_size=80))
    def are_loaded(numbers: list[tuple[Any, ...]]) -> None:
        rows = [(number, a, b, c, d) for number, (a, b, c, d) in enumerate(numbers)]
        # as literals, because drivers format floats in their own way
        ends.source.run("DELETE FROM things")
        values = ", ".join(f"({i}, {a}, {b}, {c!r}, {d!r})" for i, a, b, c, d in rows)
        ends.source.run(f"INSERT INTO things VALUES {values}")
        ends.load(table)
        found = ends.rows(table)
        assert [row[:4] for row in found] == [row[:4] for row in rows]
        assert [struct.pack("f", row[4]) for row in found] == [struct.pack("f", row[4]) for row in rows]

    are_loaded()


NAMES = [
    "select",
    "Mixed Case",
    "100%",
    "%s",
    'a"b',
    "a`b",
    "dot.ted",
    "größe",
    "日本",
    "it's",
    "back\\slash",
    "a,b",
    "{x}",
]


def test_names(ends: Endpoints) -> None:
    quoted = ends.source.quote
    columns = ", ".join(f"{quoted(name)} text" for name in NAMES)
    ends.source.run(f"CREATE TABLE {quoted('Odd % table.né')} ({quoted('Id %s')} int PRIMARY KEY, "
                    f"{quoted('Created At')} timestamp NULL, {columns})".replace("%", "%"))  # fmt: skip
    name = ends.source.quote("Odd % table.né")
    ends.source.run(f"INSERT INTO {name} VALUES (1, '2021-02-05 12:00:00', " + ", ".join(["'x'"] * len(NAMES)) + ")")
    table = ends.table(
        "Odd % table.né", key=["Id %s"], cursor="Created At", interval="day", load="replace_interval",
        checks=[{"sql": "select count(*) from {table} where 'a%' like 'a%'", "at_least": 1}],
    )  # fmt: skip
    for _ in range(2):
        ends.load(table, "2021-02-05")
        assert ends.rows(table, "count(*)") == [(1,)]
    found = list(ends.destination.types(table.name if not ends.on_redshift else table.name.lower()))
    folded = ["Id %s", "Created At", *NAMES]
    if ends.on_redshift:
        folded = ["".join(c.lower() if c.isascii() else c for c in name) for name in folded]
    assert found == folded


def test_names_that_redshift_cannot_tell_apart(from_postgres: Endpoints) -> None:
    from_postgres.source.run('CREATE TABLE things (id int PRIMARY KEY, "a" int, "A" int)')
    table = from_postgres.table(key=["id"])
    if from_postgres.on_redshift:
        with pytest.raises(Exception, match="cannot tell the columns 'a' and 'A' apart"):
            from_postgres.load(table)
    else:
        from_postgres.load(table)
        assert list(from_postgres.destination.types(table.name)) == ["id", "a", "A"]


def test_generated_and_invisible_columns_and_views(from_mysql: Endpoints) -> None:
    source = from_mysql.source
    source.run(
        "CREATE TABLE base (id int PRIMARY KEY, a int, doubled int GENERATED ALWAYS AS (a * 2) VIRTUAL, "
        "`stored` int GENERATED ALWAYS AS (a * 3) STORED, hidden int INVISIBLE DEFAULT 7) CHARACTER SET latin1"
    )
    source.run("INSERT INTO base (id, a) VALUES (1, 5)")
    source.run(
        "CREATE VIEW things AS "
        "SELECT id, doubled, `stored`, hidden, 'ü' AS word, now(6) > '2020-01-01' AS yes FROM base"
    )
    for name, expected in (("base", (1, 5, 10, 15, 7)), ("things", (1, 10, 15, 7, "ü", 1))):
        table = from_mysql.table(name, key=["id"])
        from_mysql.load(table)
        assert from_mysql.rows(table) == [expected]
