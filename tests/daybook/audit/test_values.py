"""Every value that a load carries has one checksum at its source and in its warehouse."""

from typing import Any

import pytest

from tests.daybook import test_values_mariadb as mariadb
from tests.daybook import test_values_postgres as postgres
from tests.daybook.audit.sums import sums
from tests.daybook.ends import Ends
from tests.daybook.test_values_text import HARD


def assert_one_sum(ends: Ends, table: Any, names: list[str]) -> None:
    """Both sides have one checksum, and so has every column by itself: which tells the column that has not."""
    both = sums(ends, table)
    wrong = []
    if both.source != both.warehouse:
        wrong = [name for name in names if (one := sums(ends, table, (name,))).source != one.warehouse]
    assert both.source == both.warehouse, wrong
    assert both.source[0] and {*names} <= {field.name for field in both.recipe.fields} | {*both.recipe.left_out}


@pytest.mark.parametrize(
    "cases",
    [mariadb.INTEGERS, mariadb.FRACTIONS, mariadb.TIMES, mariadb.TEXTS, mariadb.BINARIES],
    ids=lambda cases: cases[0].name,
)
def test_mariadb(from_mariadb: Ends, cases: list[mariadb.Case]) -> None:
    ends = from_mariadb
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
def test_postgres(from_postgres: Ends, cases: list[postgres.Case]) -> None:
    ends = from_postgres
    # the stand-in keeps the offset of a timetz, which Redshift makes UTC's
    cases = [case for case in cases if not (ends.on_redshift and case.type == "time with time zone")]
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


def test_hard_texts(ends: Ends) -> None:
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, a text, b varchar(60000), c varchar(200))")
    ends.source.insert("things", [(number, text, text[:9999], text[:200]) for number, text in enumerate(HARD)])
    table = ends.table(key=["id"])
    ends.load(table)
    assert_one_sum(ends, table, ["id", "a", "b", "c"])
