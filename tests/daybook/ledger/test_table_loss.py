"""A table that was dropped, replaced or emptied by hand: the ledger still claims its rows, and no load hides that."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from daybook.definitions.table import Table
from daybook.errors import ShrinkGuard
from daybook.ledger.interval_status import read_statuses, read_statuses_and_loss
from daybook.ledger.table_loss import Loss
from daybook.model.interval_grid import Grid
from daybook.warehouses.base import Warehouse
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

# Also the cases of the warehouse in a file have a source.
pytestmark = [pytest.mark.servers, pytest.mark.any_warehouse]

FIRST = datetime(2021, 2, 5)
DAYS = Grid("day").between(date(2021, 2, 5), date(2021, 2, 9))
LOADS = ["replace_interval", "upsert"]


WAREHOUSES = ["postgres-folder", "redshift-s3", "duckdb-folder"]


@pytest.fixture(params=WAREHOUSES)
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Ten rows on each of four days, and an hour later on the days after."""
    with source_database("postgres", request) as source, ends_of(source, request.param, request, tmp_path) as both:
        source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, note text)")
        source.insert("things", [(n, FIRST + timedelta(days=n // 10, hours=n % 10), "a") for n in range(50)])
        yield both


on_postgres = pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)
with_identities = pytest.mark.parametrize("ends", WAREHOUSES[:2], indirect=True)


def find_loss(warehouse: Warehouse, table: Table) -> Loss | None:
    return read_statuses_and_loss(warehouse, table, [])[1]


def things(ends: Endpoints, load: str = "replace_interval", **fields: object) -> Table:
    return ends.table(load=load, key=["id"], cursor="at", interval="day", **fields)


def four_days(ends: Endpoints, load: str = "replace_interval", **fields: object) -> Table:
    table = things(ends, load, **fields)
    ends.load(table, "2021-02-05", "2021-02-07")
    ends.load(table, "2021-02-07")
    ends.load(table, "2021-02-08")
    return table


def by_hand(ends: Endpoints, table: Table, *statements: str) -> None:
    for statement in statements:
        ends.destination.run(statement.format(t=ends.name(table), raw=ends.destination.namespace))


def letters(ends: Endpoints, table: Table) -> str:
    return "".join(found.state.value[0] for found in read_statuses(ends.warehouse, table, DAYS))


def stopped(ends: Endpoints, table: Table, why: str, first: str = "2021-02-09", **options: bool) -> None:
    """A load of the next day fails, and says what was found, what the ledger has, and what to do."""
    before = ends.ledger(table)
    with pytest.raises(ShrinkGuard) as caught:
        ends.load(table, first, **options)
    for text in (
        *(table.name, first, why, "by the ledger it has 40 rows from 2021-02-05 00:00 until 2021-02-09 00:00 UTC"),
        f"daybook load {table.name} --full-refresh",
        "daybook backfill DEPLOYMENT 2021-02-05 2021-02-09 --select all",
        *("restored", "allow_shrink=true"),
    ):
        assert text in str(caught.value), str(caught.value)
    assert ends.ledger(table) == before
    assert letters(ends, table) == "mmmm", "nothing counts as loaded"


def count(ends: Endpoints, table: Table) -> int:
    ((found,),) = ends.rows(table, "count(*)")
    return found


LOSSES = {
    "dropped": (["DROP TABLE {t}"], "it is gone from the warehouse"),
    "renamed away": (["ALTER TABLE {t} RENAME TO things_old"], "it is gone from the warehouse"),
    "emptied": (["DELETE FROM {t}"], "it is empty"),
    "only one day is left": (["DELETE FROM {t} WHERE id >= 10"], "it has 10 rows"),
    "created again, empty": (["DROP TABLE {t}", 'CREATE TABLE {t} (id int, "at" timestamp, note text)'], ""),
}


@pytest.mark.pairwise
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_load_into_a_table_that_has_lost_its_rows_is_stopped(ends: Endpoints, load: str, loss: str) -> None:
    statements, why = LOSSES[loss]
    table = four_days(ends, load)
    by_hand(ends, table, *statements)
    stopped(ends, table, why)


@on_postgres
@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["TRUNCATE {t}"], "it is empty"),
        (["DROP SCHEMA {raw} CASCADE"], "it is gone from the warehouse"),
        (["DROP TABLE {t}", "CREATE VIEW {t} AS SELECT 1 AS id, now()::timestamp AS at, '' AS note"], "it is a view"),
        (
            [
                *("CREATE TABLE kept AS SELECT * FROM {t} WHERE id > 3", "DROP TABLE {t}"),
                *("ALTER TABLE kept SET SCHEMA {raw}", "ALTER TABLE {raw}.kept RENAME TO things"),
            ],
            "it is another table than the one that was loaded, and has 36 rows",
        ),
    ],
    ids=["truncated", "schema dropped", "a view", "a copy without some rows"],
)
def test_losses_that_only_postgresql_has(ends: Endpoints, statements: list[str], why: str) -> None:
    table = four_days(ends)
    by_hand(ends, table, *statements)
    stopped(ends, table, why)


@pytest.mark.pairwise
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("loss", ["dropped", "only one day is left"])
def test_a_backfill_loads_it_again(ends: Endpoints, load: str, loss: str) -> None:
    """Its runs begin where they want. From the first one on, only what was loaded again counts."""
    table = four_days(ends, load)
    by_hand(ends, table, *LOSSES[loss][0])
    ends.load(table, "2021-02-07", "2021-02-09", refill=True)
    assert letters(ends, table) == "mmll"
    ends.load(table, "2021-02-09")
    ends.load(table, "2021-02-05", "2021-02-07", refill=True)
    assert letters(ends, table) == "llll"
    assert ends.rows(table) == ends.source.run("SELECT * FROM things ORDER BY id")
    ends.load(table, "2021-02-08")
    assert find_loss(ends.warehouse, table) is None


@pytest.mark.pairwise
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("loss", ["renamed away", "emptied"])
def test_a_full_refresh_and_a_range_of_all_days_need_no_option(ends: Endpoints, load: str, loss: str) -> None:
    table = four_days(ends, load)
    by_hand(ends, table, *LOSSES[loss][0])
    ends.load(table, "2021-02-05", "2021-02-09")
    assert (letters(ends, table), count(ends, table)) == ("llll", 40)
    ends.destination.run("DROP TABLE IF EXISTS {}".format(ends.name(table).replace("things", "things_old")))
    by_hand(ends, table, *LOSSES[loss][0])
    ends.load(table)
    assert (letters(ends, table), count(ends, table)) == ("llll", 50)
    ends.load(table, "2021-02-06")


@pytest.mark.pairwise
@pytest.mark.parametrize("loss", ["dropped", "only one day is left"])
def test_allow_shrink_accepts_it(ends: Endpoints, loss: str) -> None:
    """Nothing of a dropped table counts any more. What a person has deleted on purpose is not loaded again."""
    table = four_days(ends)
    by_hand(ends, table, *LOSSES[loss][0])
    ends.load(table, "2021-02-09", allow_shrink=True)
    ends.load(table, "2021-02-09")
    assert (letters(ends, table), count(ends, table)) == (("mmmm", 10) if loss == "dropped" else ("llll", 20))


@with_identities
def test_a_table_that_was_renamed_away_and_back_or_copied_goes_on(
    ends: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    table = four_days(ends)
    old = ends.name(table).replace("things", "old")
    by_hand(ends, table, "ALTER TABLE {t} RENAME TO old")
    stopped(ends, table, "it is gone")
    by_hand(ends, table, f"ALTER TABLE {old} RENAME TO things")
    ends.load(table, "2021-02-09")
    assert "another table" not in caplog.text
    by_hand(ends, table, "ALTER TABLE {t} RENAME TO old", f"CREATE TABLE {{t}} AS SELECT * FROM {old}")
    by_hand(ends, table, f"DROP TABLE {old}")
    ends.load(table, "2021-02-05")
    assert "another table than the one that was loaded, but it has all 50 rows" in caplog.text
    caplog.clear()
    ends.load(table, "2021-02-05")
    assert caplog.text.count("another table") == 0, "its identity was accepted"
    assert letters(ends, table) == "llll"


@pytest.mark.parametrize("ends", ["postgres-folder", "duckdb-folder"], indirect=True)
def test_a_ledger_of_an_older_version(ends: Endpoints) -> None:
    """It has no identity and no row count of the table. A table that is gone or empty is found all the same."""
    table = four_days(ends)
    for column in ("table_id", "table_rows", "counts_from"):
        ends.destination.run(f"ALTER TABLE daybook.ledger DROP COLUMN {column}")
    assert letters(ends, table) == "llll"
    by_hand(ends, table, "DELETE FROM {t} WHERE id < 35")
    ends.load(table, "2021-02-09")
    assert letters(ends, table) == "llll", "what older versions did not record is not known"
    by_hand(ends, table, "DELETE FROM {t} WHERE id < 45")
    with pytest.raises(ShrinkGuard, match="it has 5 rows, but by the ledger it has 15 rows"):
        ends.load(table, "2021-02-08")
    ends.destination.run("UPDATE daybook.ledger SET table_id = NULL, table_rows = NULL")
    by_hand(ends, table, "DELETE FROM {t}")
    with pytest.raises(ShrinkGuard, match="it is empty, but by the ledger it has 50 rows"):
        ends.load(table, "2021-02-08")
    by_hand(ends, table, "DROP TABLE {t}")
    with pytest.raises(ShrinkGuard, match="it is gone from the warehouse, but by the ledger it has 50 rows"):
        ends.load(table, "2021-02-08")


@on_postgres
def test_without_a_ledger_nothing_is_claimed(ends: Endpoints) -> None:
    table = four_days(ends)
    ends.destination.run("DROP SCHEMA daybook CASCADE")
    assert letters(ends, table) == "mmmm"
    ends.load(table, "2021-02-08")
    assert letters(ends, table) == "mmml" and count(ends, table) == 40
    by_hand(ends, table, "DELETE FROM {t} WHERE id >= 5")
    with pytest.raises(ShrinkGuard, match="it has 5 rows, but by the ledger it has 40 rows"):
        ends.load(table, "2021-02-09")


@on_postgres
def test_a_table_without_rows_may_be_dropped(ends: Endpoints) -> None:
    table = things(ends)
    ends.load(table, "2021-01-05", "2021-01-09")
    by_hand(ends, table, "DROP TABLE {t}")
    assert find_loss(ends.warehouse, table) is None
    ends.load(table, "2021-02-05")
    assert count(ends, table) == 10


@pytest.mark.parametrize("ends", ["postgres-folder", "duckdb-folder"], indirect=True)
@pytest.mark.pairwise
@pytest.mark.parametrize("load", LOADS)
def test_the_recorded_number_of_rows_is_that_of_the_table(ends: Endpoints, load: str) -> None:
    """After inserts, changes, deletions, rows that move, and a full refresh. It needs no count of the table."""
    ends.source.run("ALTER TABLE things ADD COLUMN gone boolean")
    table = things(ends, load, deleted="gone", on_delete="apply", start=date(2021, 2, 5))
    for change, first, until in [
        ("SELECT 1", "2021-02-05", "2021-02-08"),
        ("UPDATE things SET note = 'b' WHERE id < 3", "2021-02-05", None),
        ("UPDATE things SET at = at + interval '1 day' WHERE id IN (7, 8, 29)", "2021-02-06", None),
        ("UPDATE things SET gone = TRUE WHERE id IN (3, 12)", "2021-02-05", "2021-02-09"),
        ("DELETE FROM things WHERE id = 4", None, None),
        ("SELECT 1", "2021-02-09", None),
        ("INSERT INTO things VALUES (60, '2021-02-06 10:00', 'c')", "2021-02-06", None),
    ]:
        ends.source.run(change)
        ends.load(table, first, until)
        ((recorded,),) = ends.destination.run(
            "SELECT table_rows FROM daybook.ledger WHERE table_name = %s ORDER BY loaded_at DESC LIMIT 1", (table.name,)
        )
        assert recorded == count(ends, table), (change, first)


@on_postgres
def test_a_lower_shrink_limit_allows_more(ends: Endpoints) -> None:
    table = four_days(ends, shrink_limit=0.2)
    by_hand(ends, table, "DELETE FROM {t} WHERE id >= 10")
    ends.load(table, "2021-02-09")
    by_hand(ends, table, "DELETE FROM {t}")
    with pytest.raises(ShrinkGuard, match="it is empty"):
        ends.load(table, "2021-02-09")
    ends.load(table.model_copy(update={"shrink_limit": 0.0}), "2021-02-09")


@with_identities
def test_no_reader_of_the_ledger_waits_for_a_locked_table(ends: Endpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load compares the table again, in its own transaction."""
    monkeypatch.setattr("daybook.ledger.table_loss._PATIENCE", 100)
    table = four_days(ends)
    ends.destination.run(f"DELETE FROM {ends.name(table)}")
    with ends.destination.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {ends.name(table)}")
        assert find_loss(ends.warehouse, table) is None
        assert [status.state for status in read_statuses(ends.warehouse, table, DAYS)] == ["loaded"] * 4
        connection.rollback()
    assert find_loss(ends.warehouse, table) is not None
    assert [status.state for status in read_statuses(ends.warehouse, table, DAYS)] == ["missing"] * 4
