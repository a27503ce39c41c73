"""Keys that are equal by the collation of the source, but differ in case, accents, Unicode forms or trailing blanks.

Every load compares keys as the warehouse does: by their characters. Redshift ignores blanks at the end of texts, and a
load refuses keys that differ only there.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from daybook.audit.interval_audit import Audited
from daybook.definitions.table import Table
from daybook.errors import DuplicateKey
from tests.support.audited_tables import audited
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import POSTGRESQL, ends_of, source_database

#: Most collations of MySQL, and the last one of PostgreSQL, regard many of these keys as equal.
KEYS = [
    *("a", "A", "\u00e1", "a\u0301", "\u00c1", "a\u200d", "a\t", "\ta"),
    *("ß", "ss", "SS", "i", "İ", "ı", "ア", "ｱ", "😀", "😎"),
]
#: Pairs of keys that differ only in blanks at the end.
BLANKS = ["b", "b ", "", " "]
COLLATIONS = {
    "mysql": ["utf8mb4_0900_ai_ci", "utf8mb4_bin", "utf8mb3_general_ci", "latin1_swedish_ci", "utf8mb4_unicode_ci"],
    "mariadb": ["utf8mb4_uca1400_ai_ci", "utf8mb4_nopad_bin", "utf8mb3_general_ci", "latin1_swedish_ci"],
    "postgres": ["C"],  # it has no ICU
    "postgres_debian": ["C", "alike"],
}
#: `make test-all` runs the others.
SAMPLE = [("mysql", "utf8mb4_0900_ai_ci"), ("mysql", "latin1_swedish_ci"), ("postgres_debian", "alike")]
WAREHOUSES = ["postgres-folder", "redshift-s3"]
DAYS = ("2021-02-05", "2021-02-09")


def cases() -> Iterator[Any]:
    for server, collations in COLLATIONS.items():
        for collation in collations:
            marks = [] if (server, collation) in SAMPLE else [pytest.mark.full]
            yield pytest.param((server, collation), marks=marks, id=f"{server}-{collation}")


@pytest.fixture(params=cases())
def collated(request: pytest.FixtureRequest) -> Iterator[tuple[Any, list[str]]]:
    """Yield an empty table `things` whose keys have a collation, and the keys that its character set has."""
    server, collation = request.param
    with source_database(server, request) as database:
        keys = [*KEYS, *BLANKS]
        if server in POSTGRESQL:
            if collation == "alike":
                database.run(
                    "CREATE COLLATION alike (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
                )
            text, clock = f'text COLLATE "{collation}"', "timestamp"
        else:
            charset = collation.partition("_")[0]
            keys = [key for key in keys if charset == "utf8mb4" or _fits(key, charset)]
            text, clock = f"varchar(20) CHARACTER SET {charset} COLLATE {collation}", "datetime"
        database.run(f"CREATE TABLE things (id int, name {text} NOT NULL, at {clock} NOT NULL, n int, gone smallint)")
        yield database, keys


@pytest.fixture(params=WAREHOUSES)
def ends(
    collated: tuple[Any, list[str]], request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Endpoints, list[str]]]:
    with ends_of(collated[0], request.param, request, tmp_path) as both:
        yield both, collated[1]


def _fits(key: str, charset: str) -> bool:
    return max(map(ord, key), default=0) < 0x10000 if charset == "utf8mb3" else key == _in_latin1(key)


def _in_latin1(key: str) -> str:
    return key.encode("cp1252", "replace").decode("cp1252")


def fill(ends: Endpoints, keys: list[str]) -> None:
    rows = [(number, key, f"2021-02-{5 + number % 2:02d} 12:00:00", 0, 0) for number, key in enumerate(keys)]
    ends.source.insert("things", rows)


def table_of(ends: Endpoints, load: str, **fields: Any) -> Table:
    grid = {"cursor": "at", "interval": "day", "start": date(2021, 2, 5)} if load != "replace" else {}
    return ends.table(load=load, key=["name"], shrink_limit=0, **grid, **fields)


def days_of(table: Table) -> tuple[str, ...]:
    return DAYS if table.cursor else ()


def at_source(ends: Endpoints, condition: str = "gone = 0") -> list[tuple[Any, ...]]:
    return ends.source.run(f"SELECT id, name, at, n, gone FROM things WHERE {condition} ORDER BY id")


def differing(ends: Endpoints, table: Table) -> list[Audited]:
    return [found for found in audited(ends, table) if found.verdict != "equal"]


@pytest.mark.pairwise
@pytest.mark.parametrize("load", ["replace", "replace_interval", "upsert"])
def test_loads_and_audits_tell_them_apart(ends: tuple[Endpoints, list[str]], load: str) -> None:
    both, keys = ends
    if both.on_redshift:
        keys = [key for key in keys if key not in BLANKS]
    fill(both, keys)
    table = table_of(both, load, deleted="gone", on_delete="apply")
    both.load(table, *days_of(table))
    assert both.rows(table) == at_source(both)
    # One key of each kind changes, moves to another day, is flagged as deleted, or is new.
    both.source.run("UPDATE things SET n = 1, at = '2021-02-08' WHERE id % 4 = 1")
    both.source.run("UPDATE things SET gone = 1, at = '2021-02-08' WHERE id % 4 = 2")
    both.source.insert("things", [(99, "aa", "2021-02-08 12:00:00", 0, 0), (100, "AA", "2021-02-08 12:00:00", 0, 0)])
    if load == "upsert":
        both.load(table, "2021-02-08")
    both.load(table, *days_of(table))
    assert both.rows(table) == at_source(both)
    if load == "replace":  # only integer keys can be audited without a cursor
        return
    assert differing(both, table) == []
    both.destination.run(f"UPDATE {both.name(table)} SET n = 7 WHERE name = 'AA'")
    both.destination.run(f"UPDATE {both.name(table)} SET name = 'A A' WHERE name = 'aa'")
    (found,) = differing(both, table)
    assert found.differences.changed_keys == ("name=AA",)
    assert (found.differences.added_keys, found.differences.removed_keys) == (("name=aa",), ("name=A A",))


@pytest.mark.parametrize("load", ["replace", "replace_interval", "upsert"])
def test_blanks_at_the_end(ends: tuple[Endpoints, list[str]], load: str) -> None:
    both, _ = ends
    fill(both, BLANKS)
    table = table_of(both, load)
    if both.on_redshift:
        with pytest.raises(DuplicateKey, match=r"Redshift ignores blanks at the end of texts.*name='(b|)'") as caught:
            both.load(table, *days_of(table))
        assert table.name in str(caught.value) and "Remove the blanks at the source" in str(caught.value)
        assert both.ledger(table) == []
        return
    for _ in range(2):
        both.load(table, *days_of(table))
        assert both.rows(table) == at_source(both)
    if load != "replace":
        assert differing(both, table) == []
