"""A full refresh of a loaded table changes only what differs, and its checksums are those of all rows."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from daybook.audit.interval_audit import audit
from daybook.definitions.table import Table
from daybook.errors import DuplicateKey
from daybook.load.checksums import LoadChecksums
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.warehouses.session import Session
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)

FIRST = datetime(2021, 2, 5)
DAYS = Grid("day", "UTC").between(FIRST.date(), (FIRST + timedelta(days=9)).date())
ROWS = 300
Row = tuple[int, str | None, datetime | None, float, str | None]


def make(ends: Endpoints, key: str = "PRIMARY KEY (id, part)") -> None:
    many = {True: ("datetime(6)", "double", "int"), False: ("timestamp", "double precision", "int")}
    moment, number, whole = many[ends.source.is_mysql]
    ends.source.run(
        f"CREATE TABLE things (id {whole} NOT NULL, part varchar(9) NOT NULL, at {moment} NULL, "
        f"size {number} NOT NULL, note varchar(40) NULL, {key})"
    )
    ends.source.insert("things", [a_row(n, random.Random(n)) for n in range(ROWS)])


def a_row(n: int, dice: random.Random) -> Row:
    moment = FIRST + timedelta(hours=dice.randrange(-30, 170))  # some are before the start
    note = dice.choice([None, "", "a|b", 'say "hi"', "é\\", "x" * 40])
    return n, dice.choice("ab"), None if n % 50 == 0 else moment, dice.choice([0.0, -0.0, 0.1, 1e300]), note


def table_of(ends: Endpoints, **fields: Any) -> Table:
    given = {"load": "replace_interval", "cursor": "at", "interval": "day", "start": FIRST.date()}
    return ends.table(key=["id", "part"], shrink_limit=0, **given | fields)


def rows_at_source(ends: Endpoints) -> list[Any]:
    return ends.source.run("SELECT id, part, at, size, note FROM things ORDER BY 1, 2")


def recorded(ends: Endpoints) -> dict[Interval, tuple[int, str, str]]:
    """Return what the last load recorded of each interval with rows."""
    found = ends.destination.run(
        "SELECT interval_start, interval_end, rows_loaded, checksum, fingerprints FROM daybook.checksums "
        "WHERE rows_loaded > 0 AND load_id = (SELECT load_id FROM daybook.ledger ORDER BY loaded_at DESC LIMIT 1)"
    )
    return {Interval(start, end): (rows, checksum, prints) for start, end, rows, checksum, prints in found}


def computed(ends: Endpoints, table: Table) -> dict[Interval, tuple[int, str, str]]:
    """Return the same of the table in the warehouse, from all of its rows."""
    extracted = ends.extract(table, full_refresh=True)
    with ends.warehouse.session() as session:
        tally = LoadChecksums.of_load(session, ends.warehouse, table, extracted.target, extracted.described)
        fingerprint = ends.warehouse.row_fingerprint(session, extracted.target)
        assert tally.recipe
        assert fingerprint
        pairs = tally.pairs(ends.warehouse.table(table.name), DAYS, fingerprint.sql)
    return {
        day: (hashes.rows, str(tally.checksum(hashes)), fingerprint.recorded(sum))
        for day, (hashes, sum) in pairs.items()
        if hashes.rows
    }


@contextmanager
def hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the list of the statements in the block that compute checksums."""
    found: list[str] = []
    run = Session._executed

    def noted(session: Session, statement: str, values: Sequence[Any]) -> Any:
        if "sha256" in statement:
            found.append(statement)
        return run(session, statement, values)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_executed", noted)
        yield found


def change_some(ends: Endpoints, dice: random.Random) -> None:
    """Change, move, exchange, delete and add rows at the source."""
    ids = dice.sample(range(ROWS), 8)
    run = ends.source.run
    run("UPDATE things SET note = %s WHERE id = %s", ("changed", ids[0]))
    run("UPDATE things SET at = %s WHERE id = %s", (FIRST + timedelta(days=dice.randrange(6), hours=3), ids[1]))
    run("UPDATE things SET at = NULL WHERE id = %s", (ids[2],))
    run("UPDATE things SET part = 'c' WHERE id = %s", (ids[3],))
    run("DELETE FROM things WHERE id = %s", (ids[4],))
    run("UPDATE things SET size = -size WHERE id = %s", (ids[5],))
    one, other = (run("SELECT note FROM things WHERE id = %s", (n,)) for n in ids[6:])
    if one and other:  # the values of a column move between two rows
        run("UPDATE things SET note = %s WHERE id = %s", (other[0][0], ids[6]))
        run("UPDATE things SET note = %s WHERE id = %s", (one[0][0], ids[7]))
    ends.source.insert("things", [a_row(dice.randrange(1000, 10**6), dice)])


def alter_some(ends: Endpoints, name: str, dice: random.Random) -> None:
    """Change the table in the warehouse by hand."""
    ends.destination.run(f"UPDATE {name} SET note = 'by hand' WHERE id = %s", (dice.randrange(ROWS),))
    ends.destination.run(f"DELETE FROM {name} WHERE id = %s", (dice.randrange(ROWS),))
    ends.destination.run(f"INSERT INTO {name} VALUES (-1, 'a', '2021-02-06', 1, 'by hand')")


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_at_both_ends(ends: Endpoints, seed: int) -> None:
    dice = random.Random(seed)
    make(ends)
    table = table_of(ends)
    ends.load(table, full_refresh=True)
    for round in range(4):
        change_some(ends, dice)
        if round % 2:
            alter_some(ends, ends.name(table), dice)
        if round == 2:  # a load of one day between two refreshes
            ends.load(table, "2021-02-06")
            change_some(ends, dice)
        report = ends.load(table, full_refresh=True)
        assert report.written is not None
        assert report.written < 40, "the other rows stay"
        assert ends.rows(table, "id, part, at, size, note", "1, 2") == rows_at_source(ends)
        assert recorded(ends) == computed(ends, table)
    assert {str(one.verdict) for one in audit(table, DAYS, ends.warehouse, ends)} == {"equal"}


def test_an_unchanged_table_is_neither_written_nor_hashed(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, full_refresh=True)
    before = (ends.destination.run(f"SELECT ctid, xmin, id FROM {ends.name(table)} ORDER BY 3"), recorded(ends))
    with hashing(monkeypatch) as statements:
        assert ends.load(table, full_refresh=True).written == 0
    assert statements == []
    after = (ends.destination.run(f"SELECT ctid, xmin, id FROM {ends.name(table)} ORDER BY 3"), recorded(ends))
    assert after == before


def test_only_changed_rows_are_hashed(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    make(ends)
    table = table_of(ends)
    ends.load(table, full_refresh=True)
    ends.source.run("UPDATE things SET note = 'changed' WHERE id = 7")
    with hashing(monkeypatch) as statements:
        assert ends.load(table, full_refresh=True).written == 1
    assert statements
    assert all("daybook_changed" in statement for statement in statements)
    assert recorded(ends) == computed(ends, table)


def test_a_day_that_was_altered_by_hand_is_hashed_again(ends: Endpoints) -> None:
    """Also if the source has the same change: the recorded checksum is not that of the table any more."""
    make(ends)
    table = table_of(ends)
    ends.load(table, full_refresh=True)
    for run, name in ((ends.source.run, "things"), (ends.destination.run, ends.name(table))):
        run(f"UPDATE {name} SET note = 'the same correction' WHERE id = 7")
    assert ends.load(table, full_refresh=True).written == 0
    assert recorded(ends) == computed(ends, table)


def test_another_column_is_hashed_from_scratch(ends: Endpoints) -> None:
    make(ends)
    table = table_of(ends, on_new_column="add")
    ends.load(table, full_refresh=True)
    ends.source.run("ALTER TABLE things ADD COLUMN extra varchar(9)")
    ends.source.run("UPDATE things SET extra = 'more' WHERE id = 7")
    assert ends.load(table, full_refresh=True).written == 1
    assert recorded(ends) == computed(ends, table)


@pytest.mark.parametrize("load", ["replace", "replace_interval"])
def test_all_rows_change(ends: Endpoints, load: str) -> None:
    make(ends)
    table = table_of(ends, load=load)
    ends.load(table, full_refresh=True)
    ends.source.run("UPDATE things SET size = -size - 1")
    assert ends.load(table, full_refresh=True).written == ROWS
    assert ends.rows(table, "id, part, at, size, note", "1, 2") == rows_at_source(ends)
    if load == "replace_interval":
        assert recorded(ends) == computed(ends, table)


@pytest.mark.parametrize("in_table", [True, False])
def test_rows_that_share_a_key_are_refused_by_name(ends: Endpoints, in_table: bool) -> None:
    make(ends, key="UNIQUE (id, part, note)")
    ends.source.run("DELETE FROM things WHERE id = 7")
    table = table_of(ends)
    if in_table:
        ends.source.insert("things", [(7, "a", FIRST, 1.0, "one")])
    ends.load(table, full_refresh=True)
    before = ends.rows(table, "id, part, at, size, note", "1, 2")
    ends.source.run("DELETE FROM things WHERE id = 7")
    ends.source.insert("things", [(7, "a", FIRST, 1.0, "one"), (7, "a", FIRST, 1.0, "two")])
    with pytest.raises(DuplicateKey, match=r"rows share a key: id=7, part=a \(2 rows\)"):
        ends.load(table, full_refresh=True)
    assert ends.rows(table, "id, part, at, size, note", "1, 2") == before


@pytest.mark.parametrize(
    "key", ["", "PRIMARY KEY (id)", "PRIMARY KEY (part, id)", "PRIMARY KEY (id, part) DEFERRABLE INITIALLY DEFERRED"]
)
def test_a_table_of_ones_own_may_enforce_another_key(ends: Endpoints, key: str) -> None:
    """It may even have a row twice, if it enforces none."""
    make(ends)
    table = table_of(ends)
    ends.destination.run(f"CREATE SCHEMA {ends.destination.namespace}")
    ends.destination.run(
        f"CREATE TABLE {ends.name(table)} (id int NOT NULL, part varchar(9) NOT NULL, at timestamp, "
        f"size double precision, note varchar(40){', ' + key if key else ''})"
    )
    ends.load(table, full_refresh=True)
    ends.source.run("UPDATE things SET note = 'changed' WHERE id = 7")
    if not key:
        ends.destination.run(f"INSERT INTO {ends.name(table)} SELECT * FROM {ends.name(table)} WHERE id = 8")
    ends.load(table, full_refresh=True)
    assert ends.rows(table, "id, part, at, size, note", "1, 2") == rows_at_source(ends)
    assert recorded(ends) == computed(ends, table)


def test_rows_that_are_flagged_as_deleted_go(ends: Endpoints) -> None:
    make(ends)
    ends.source.run(f"ALTER TABLE things ADD gone {'datetime' if ends.source.is_mysql else 'timestamp'} NULL")
    table = table_of(ends, deleted="gone", on_delete="apply")
    ends.load(table, full_refresh=True)
    ends.source.run("UPDATE things SET gone = '2021-02-06' WHERE id < 5")
    ends.load(table, full_refresh=True)
    assert [id for (id,) in ends.rows(table, "id")] == list(range(5, ROWS))
    assert recorded(ends) == computed(ends, table)
