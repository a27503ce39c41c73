"""A statement that locks out readers waits only briefly: readers go on, and the error names the session in the way."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.errors import TableLocked
from daybook.sql import retries
from daybook.warehouses import postgresql
from daybook.warehouses.session import Session
from tests.support.source_and_warehouse import ON_ONE_WAREHOUSE, Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of
from tests.support.summary_cli import Desk

#: Seconds after which a load or a reader counts as stuck. On a busy machine, all of it takes a few seconds.
STUCK = 60


@pytest.fixture
def ends(postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(postgres_source, "postgres-folder", request, tmp_path) as both:
        yield both


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make few tries with short waits."""
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT", 1000)
    monkeypatch.setattr(retries, "ATTEMPTS", 3)


@contextlib.contextmanager
def idle(database: Database, query: str) -> Iterator[tuple[Any, int]]:
    """Yield a connection that has run `query` and left its transaction open, and the process id of its session."""
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET application_name TO 'Metabase'")
        cursor.execute(query)
        yield connection, connection.info.backend_pid
        connection.rollback()


def while_read(holder: Any, database: Database, table: str, work: Callable[[], Any]) -> Any:
    """Return `work()`, while a reader selects from `table` again and again. No SELECT of it fails or is stuck.

    The idle transaction of the connection `holder` stays open, unless the work is stuck.
    """
    over, failed, count = threading.Event(), list[Exception](), 0

    def read() -> None:
        nonlocal count
        while not over.is_set():
            try:
                database.run(f"SET LOCAL statement_timeout TO '{STUCK}s'; SELECT count(*) FROM {table}")
                count += 1
            except Exception as error:
                failed.append(error)

    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(read)
        try:
            return pool.submit(work).result(STUCK)
        except TimeoutError:
            holder.rollback()
            raise
        finally:
            over.set()
            reader.result(STUCK)
            assert count and not failed


def make(ends: Endpoints, strategy: str = "replace_interval") -> Table:
    """Load three days of rows."""
    ends.source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, word varchar(10), price decimal(10,2))")
    ends.source.insert("things", [(n, f"2021-02-0{5 + n // 2} 01:00:00", "a", n) for n in range(6)])
    table = ends.table(load=strategy, key=["id"], cursor="at", interval="day", on_new_column="add")
    ends.load(table)
    return table


CHANGES = {
    "a new column": "ADD COLUMN colour varchar(10)",
    "a longer text": "ALTER COLUMN word TYPE varchar(20)",
    "a text without a limit": "ALTER COLUMN word TYPE text",
    "more digits": "ALTER COLUMN price TYPE decimal(12,2)",
}


@pytest.mark.parametrize(
    "change", [pytest.param(change, marks=[] if change == "a new column" else pytest.mark.full) for change in CHANGES]
)
def test_a_load_that_changes_the_table_of_an_idle_reader(ends: Endpoints, quick: None, change: str) -> None:
    table = make(ends)
    ends.source.run(f"ALTER TABLE things {CHANGES[change]}")
    before, types = ends.state(table), ends.destination.types(table.name)
    query = f"SELECT id, word\n FROM {ends.name(table)} WHERE word <> 'ada@example.com'"
    with idle(ends.destination, query) as (connection, pid):
        with pytest.raises(TableLocked) as caught:
            while_read(connection, ends.destination, ends.name(table), lambda: ends.load(table, "2021-02-06"))
        assert connection.info.transaction_status == 2, "the idle transaction is still open"
    message = str(caught.value)
    for part in (
        f"{table.name} 2021-02-06: ALTER TABLE",
        f"{table.name} is locked by pid {pid} (user daybook, application Metabase, idle in transaction, its ",
        "of 3: ",
        "SELECT id, word FROM",
        f"SELECT pg_terminate_backend({pid})",
        "run this again",
    ):
        assert part in message, message
    assert message.count("pg_terminate_backend") == 1, "readers that queued behind the ALTER are not in the way"
    assert "ada@example.com" not in message
    assert caught.value.may_pass and not caught.value.may_be_one_interval
    assert (ends.state(table), ends.destination.types(table.name)) == (before, types)
    ends.load(table, "2021-02-06")
    assert ends.destination.types(table.name) != types


def test_a_lock_that_is_released_in_time(
    ends: Endpoints, quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table = make(ends)
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    find = postgresql.PostgreSQL.lock_holders
    with idle(ends.destination, f"SELECT * FROM {ends.name(table)}") as (connection, _):

        def found(*args: Any) -> Any:
            holders = find(*args)
            connection.rollback()
            return holders

        monkeypatch.setattr(postgresql.PostgreSQL, "lock_holders", found)
        assert (
            while_read(connection, ends.destination, ends.name(table), lambda: ends.load(table, "2021-02-06")).rows == 2
        )
    assert f"try 1 of 3: {table.name} is locked by" in caplog.text
    assert "colour" in ends.destination.types(table.name)


def test_the_reader_of_a_partition_is_named(ends: Endpoints, quick: None) -> None:
    table = make(ends)
    ends.destination.run(
        f"ALTER TABLE {ends.name(table)} RENAME TO days; ALTER TABLE raw.days DROP CONSTRAINT things_pkey;"
        f"CREATE TABLE {ends.name(table)} (LIKE raw.days) PARTITION BY RANGE (at);"
        f"ALTER TABLE {ends.name(table)} ATTACH PARTITION raw.days FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')"
    )
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10)")
    with (
        idle(ends.destination, "SELECT * FROM raw.days") as (connection, pid),
        pytest.raises(TableLocked, match=f"is locked by pid {pid} "),
    ):
        while_read(connection, ends.destination, ends.name(table), lambda: ends.load(table, "2021-02-06"))


def test_a_session_that_the_user_may_not_see_in_full(ends: Endpoints, quick: None) -> None:
    """Without pg_read_all_stats, PostgreSQL shows the pid, the user and the application, but not the query."""
    ends.destination.run("CREATE TABLE public.seen (id int); GRANT ALL ON public.seen TO PUBLIC")
    with idle(ends.destination, "SELECT * FROM public.seen") as (_, pid), ends.warehouse.session() as session:
        session.run("CREATE ROLE lock_reader")
        try:
            session.run("SET ROLE lock_reader")
            (holder,) = ends.warehouse.lock_holders(session, ["public.seen"])
            session.run("RESET ROLE")
        finally:
            ends.destination.run("DROP ROLE lock_reader")
    assert holder.who.startswith(f"pid {pid} (user daybook, application Metabase")
    assert holder.end_sql == f"SELECT pg_terminate_backend({pid})"


def test_a_table_of_an_older_daybook_that_somebody_reads(ends: Endpoints, quick: None) -> None:
    table = make(ends)
    ends.destination.run("ALTER TABLE daybook.ledger DROP COLUMN version")
    with (
        idle(ends.destination, "SELECT * FROM daybook.ledger") as (connection, pid),
        pytest.raises(TableLocked, match=rf"daybook.ledger: .*version.* is locked by pid {pid} "),
    ):
        while_read(connection, ends.destination, "daybook.ledger", lambda: ends.load(table, "2021-02-06"))
    assert ends.load(table, "2021-02-06").rows == 2


# --- summaries ------------------------------------------------------------------------------------------------------

SUMMARIES = {
    "a column more": "select id, score, at, 1 as one from {raw}.answers",
    "a column less": "select id, score from {raw}.answers",
    "another type": "select id, cast(score as varchar(10)) as score, at from {raw}.answers",
}


@ON_ONE_WAREHOUSE
@pytest.mark.parametrize(
    "change", [pytest.param(change, marks=[] if change == "another type" else pytest.mark.full) for change in SUMMARIES]
)
def test_a_build_that_changes_the_table_of_an_idle_reader(desk: Desk, quick: None, change: str) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), (2, "2021-02-05 11:00", 3))
    desk.build(desk.summary("shape", "select id, score, at from {raw}.answers", key=["id"]))
    before, changed = desk.rows("shape"), desk.summary("shape", SUMMARIES[change], key=["id"])
    with idle(desk.database, f"SELECT * FROM {desk.raw}.shape") as (connection, pid):
        with pytest.raises(TableLocked) as caught:
            while_read(connection, desk.database, f"{desk.raw}.shape", lambda: desk.build(changed))
        assert desk.rows("shape") == before
    message = str(caught.value)
    for part in (
        f"{desk.raw}.shape: swap",
        f"pid {pid} ",
        f"pg_terminate_backend({pid})",
        "Readers still see",
        "is kept",
    ):
        assert part in message, message
    desk.build(changed)
    assert desk.rows("shape") != before
    assert desk.left_behind() == []


# --- how long a lock is held ----------------------------------------------------------------------------------------


@pytest.fixture
def locking(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the statements after which a session of the warehouse keeps readers out of a table in `raw`."""
    statements, execute = list[str](), Session._executed
    held = (
        "SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE l.pid = pg_backend_pid() AND l.mode = 'AccessExclusiveLock' AND n.nspname = 'raw' "
        "AND c.relname IN ('things', 'shape')"
    )

    @contextlib.contextmanager
    def recorded(session: Session, statement: str, values: Sequence[Any]) -> Iterator[Any]:
        with execute(session, statement, values) as cursor:
            if session.connection.info.transaction_status == 2:
                with session.connection.cursor() as other:
                    other.execute(held)
                    if other.fetchone():
                        statements.append(" ".join(statement.split()[:3]))
            yield cursor

    monkeypatch.setattr(Session, "_executed", recorded)
    return statements


def test_a_load_locks_readers_out_for_its_alter_alone(ends: Endpoints, locking: list[str]) -> None:
    table = make(ends)
    ends.source.run("ALTER TABLE things ADD COLUMN colour varchar(10), ALTER COLUMN word TYPE varchar(20)")
    locking.clear()  # the first load has created the table
    ends.load(table, "2021-02-06")
    assert locking == [f"ALTER TABLE {ends.name(table)}"] * 2
    locking.clear()
    for strategy in ("replace_interval", "upsert", "replace"):
        grid = {} if strategy == "replace" else {"cursor": "at", "interval": "day"}
        ends.load(ends.table(load=strategy, key=["id"], **grid))
    assert locking == []


@ON_ONE_WAREHOUSE
def test_a_build_drops_a_column_at_the_end(desk: Desk, locking: list[str]) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), (2, "2021-02-05 11:00", 3))
    desk.build(desk.summary("shape", "select id, score, at from {raw}.answers", key=["id"]))
    desk.run("ALTER TABLE {raw}.shape ALTER COLUMN at SET NOT NULL")
    locking.clear()
    desk.build(desk.summary("shape", "select id, at from {raw}.answers", key=["id"]))
    name = desk.database.quote(desk.raw, "shape")
    assert locking[0] == f"ALTER TABLE {name}"
    assert not any(name in statement for statement in locking[1:]), "the rows are written before"
    locking.clear()
    desk.build(desk.summary("shape", "select id from {raw}.answers", key=["id"]))  # nobody can fill `at`
    assert desk.rows("shape") == [(1,), (2,)]
    locking.clear()
    desk.answer((3, "2021-02-05 11:00", 3))
    desk.build(desk.summary("shape", "select id from {raw}.answers", key=["id"]))
    assert locking == []
