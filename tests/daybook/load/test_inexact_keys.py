"""Keys that differ only in blanks at their end: Redshift cannot tell them apart, and other warehouses can."""

import pytest

from daybook.errors import DuplicateKey
from tests.support.audited_tables import FIRST
from tests.support.source_and_warehouse import Endpoints


def things(ends: Endpoints, *keys: str) -> None:
    ends.source.run("CREATE TABLE things (name varchar(20), part int, at timestamp, PRIMARY KEY (name, part))")
    for key in keys:
        put(ends, key)


def put(ends: Endpoints, key: str, day: int = 5, part: int = 1) -> None:
    ends.source.run("INSERT INTO things VALUES (%s, %s, %s)", (key, part, f"2021-02-{day:02d}"))


@pytest.mark.parametrize("load", ["replace_interval", "upsert"])
def test_keys_with_blanks_at_the_end(from_postgres: Endpoints, load: str) -> None:
    ends = from_postgres
    things(ends, "a", "b ", "c\t", " d")
    put(ends, "a ", part=2)
    table = ends.table(load=load, key=["name", "part"], cursor="at", interval="day", start=FIRST.date(), shrink_limit=0)
    ends.load(table, "2021-02-05")
    assert len(ends.rows(table)) == 5
    ends.load(table, "2021-02-05")
    put(ends, "a ", day=6)
    put(ends, "b", day=6)
    before = ends.state(table)
    if not ends.on_redshift:
        ends.load(table, "2021-02-06")
        assert len(ends.rows(table)) == 7
        return
    for day in (["2021-02-06"], ["2021-02-05", "2021-02-07"], []):
        with pytest.raises(DuplicateKey, match=r"Redshift ignores blanks at the end of texts.*name='a', part=1"):
            ends.load(table, *day)
        assert ends.state(table) == before


def test_a_table_without_a_cursor(from_postgres: Endpoints) -> None:
    ends = from_postgres
    things(ends, "a", "a ")
    table = ends.table(key=["name", "part"])
    if not ends.on_redshift:
        ends.load(table)
        assert len(ends.rows(table)) == 2
        return
    with pytest.raises(DuplicateKey, match="cannot tell some keys apart, with and without them: name='a', part=1"):
        ends.load(table)
