"""Reset, rename and remove on both warehouses: what loads, the audit, backfills and summaries see afterwards."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from daybook.audit.interval_audit import audit
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.errors import TableLocked
from daybook.ledger.interval_status import read_statuses
from daybook.ledger.ledger import CLOSED, Ledger
from daybook.lifecycle import changes, locked_change
from daybook.lifecycle.changes import check_free, find, remove, rename, reset
from daybook.lifecycle.errors import ChangeRefused
from daybook.model.interval_grid import Grid
from daybook.summaries.builder.build import build
from daybook.summaries.parse.lineage import read
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

pytestmark = pytest.mark.servers

FIRST = datetime(2021, 2, 5)
DAYS = Grid("day").between(date(2021, 2, 5), date(2021, 2, 8))


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with source_database("postgres", request) as source, ends_of(source, request.param, request, tmp_path) as both:
        source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, note text); CREATE INDEX ON things (at)")
        source.insert("things", [(n, FIRST + timedelta(days=n // 10, hours=n % 10), "a") for n in range(30)])
        yield both


@pytest.fixture
def table(ends: Endpoints) -> Table:
    """Three loaded days."""
    table = things(ends)
    ends.load(table, "2021-02-05", "2021-02-08")
    return table


def things(ends: Endpoints, name: str = "things") -> Table:
    source = {"kind": "database", "table": ["public", "things"]}
    fields = {"load": "replace_interval", "key": ["id"], "cursor": "at", "interval": "day", "source": source}
    return ends.table(name, **fields)


def letters(ends: Endpoints, table: Table) -> str:
    return "".join(found.state.value[0] for found in read_statuses(ends.warehouse, table, DAYS))


def covered(ends: Endpoints, table: Table) -> bool:
    with ends.warehouse.session() as session:
        return table.name in Ledger(ends.warehouse).ends(session)


def verdicts(ends: Endpoints, table: Table) -> list[str]:
    return [str(one.verdict) for one in audit(table, DAYS, ends.warehouse, ends)]


def test_a_table_that_was_reset_is_as_if_it_was_never_loaded(ends: Endpoints, table: Table) -> None:
    raw = ends.destination.namespace
    chosen = "at >= {start} and at < {end}"
    sql = f"select cast(at as date) as day, count(*) as n from {raw}.things where {chosen} group by 1"
    fields = {
        "allow_empty": True,
        "description": "x",
        "owner": "tests",
        "key": ["day"],
        "interval": "day",
        "cursor": "day",
    }
    summary = Summary(name=f"{raw}.per_day", sql=sql, **fields)
    lineage = read(summary, ends.warehouse.sqlglot_dialect)
    build(summary, lineage, ends.warehouse)
    assert not build(summary, lineage, ends.warehouse).built

    history = len(ends.ledger(table))
    assert reset(ends.warehouse, table.name) == 30
    assert ends.rows(table) == [] and letters(ends, table) == "mmm" and not covered(ends, table)
    assert [entry[3] for entry in ends.ledger(table)][-1] == CLOSED and len(ends.ledger(table)) == history + 1
    assert verdicts(ends, table) == ["never loaded"] * 3
    assert build(summary, lineage, ends.warehouse).label == "all of it"

    ends.load(table, "2021-02-06")  # no guard stops it
    assert letters(ends, table) == "mlm" and len(ends.rows(table)) == 10
    assert verdicts(ends, table) == ["never loaded", "equal", "never loaded"]


def test_a_reset_may_keep_the_rows(ends: Endpoints, table: Table) -> None:
    assert reset(ends.warehouse, table.name, keep_rows=True) == 0
    assert len(ends.rows(table)) == 30 and letters(ends, table) == "mmm"
    ends.load(table, "2021-02-05")
    assert len(ends.rows(table)) == 30 and letters(ends, table) == "lmm"


def test_a_lost_table_can_be_reset(ends: Endpoints, table: Table) -> None:
    ends.destination.run(f"DROP TABLE {ends.name(table)}")
    assert reset(ends.warehouse, table.name) == 0
    ends.load(table, "2021-02-07")
    assert letters(ends, table) == "mml"


def test_a_renamed_table_keeps_its_loads(ends: Endpoints, table: Table, tmp_path: Path) -> None:
    new = things(ends, "parts")
    check_free(ends.warehouse, new.name, tmp_path)
    rename(ends.warehouse, table.name, new.name)
    assert len(ends.rows(new)) == 30 and letters(ends, new) == "lll" and verdicts(ends, new) == ["equal"] * 3
    assert letters(ends, table) == "mmm" and not covered(ends, table)
    ends.source.run("INSERT INTO things VALUES (99, '2021-02-07 23:00', 'b')")  # type: ignore[union-attr]
    ends.load(new, "2021-02-07")
    assert len(ends.rows(new)) == 31
    rename(ends.warehouse, new.name, table.name)  # back again, to a name whose history was closed
    assert letters(ends, table) == "lll" and letters(ends, new) == "mmm"
    rename(ends.warehouse, table.name, new.name)
    assert letters(ends, new) == "lll" and verdicts(ends, new) == ["equal"] * 3
    with pytest.raises(ChangeRefused, match="no table 'nothing' has a file"):
        find(ends.warehouse, "nothing", tmp_path)
    assert str(find(ends.warehouse, new.name, tmp_path)).endswith("(a table, loaded until 2021-02-08 00:00 UTC)")


def test_a_table_moves_to_another_schema(ends: Endpoints, table: Table, tmp_path: Path) -> None:
    to = f"{ends.destination.namespace}_2.parts"
    try:
        rename(ends.warehouse, table.name, to)
        assert ends.destination.run(f"SELECT count(*) FROM {to}") == [(30,)]
        with pytest.raises(ChangeRefused, match=f"{to} is taken: it is a table in the warehouse"):
            rename(ends.warehouse, table.name, to)
    finally:
        ends.destination.run(f"DROP SCHEMA {ends.destination.namespace}_2 CASCADE")


@pytest.mark.parametrize("fate", ["keep", "archive", "drop"])
def test_a_table_is_removed(ends: Endpoints, table: Table, fate: changes.Fate) -> None:
    archive = f"{ends.destination.namespace}_archive"
    try:
        archived = remove(ends.warehouse, table.name, fate, archive)
        assert archived == (f"{archive}.things" if fate == "archive" else None)
        assert not covered(ends, table) and letters(ends, table) == "mmm"
        if archived:
            assert ends.destination.run(f"SELECT count(*) FROM {archived}") == [(30,)]
        with ends.warehouse.session() as session:
            assert ends.warehouse.exists(session, table.name) == (fate == "keep")
        ends.load(table, "2021-02-05")  # it may come back
        assert letters(ends, table) == "lmm"
    finally:
        ends.destination.run(f"DROP SCHEMA IF EXISTS {archive} CASCADE")


def locks(ends: Endpoints) -> list[tuple[str, ...]]:
    ours = f"schemaname = 'daybook' AND tablename LIKE 'lock_{ends.destination.namespace}%'"
    return ends.destination.run(f"SELECT tablename FROM pg_tables WHERE {ours}")


def test_no_lock_of_a_former_name_stays(ends: Endpoints, table: Table) -> None:
    """Redshift's loads lock a table of their own in the schema daybook."""
    before = locks(ends)
    assert len(before) == ends.on_redshift
    rename(ends.warehouse, table.name, f"{ends.destination.namespace}.parts")
    assert locks(ends) == []
    ends.load(table, "2021-02-05")
    assert locks(ends) == before
    remove(ends.warehouse, table.name, "keep")
    assert locks(ends) == []


def test_a_table_in_use_is_left_alone(ends: Endpoints, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked_change, "_PATIENCE", 200)
    before = ends.state(table)
    with ends.warehouse.session() as session:
        ends.warehouse.begin_locked(session, table.name)
        with pytest.raises(TableLocked, match=f"{table.name} is in use.*Nothing was changed"):
            reset(ends.warehouse, table.name)
        session.run("ROLLBACK")
    assert ends.state(table) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [("things", "expected schema.table"), ("daybook.x", "Daybook's own tables"), ("raw.taken", "it has a file")],
)
def test_a_bad_name_is_refused(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/taken.yaml").touch()
    with pytest.raises(ChangeRefused, match=said):
        check_free(None, name, tmp_path)  # type: ignore[arg-type]
