"""The stand-in's own tests: locks and readers, conflicts per table, and a timeout that counts the wait in a queue."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from tests.support.servers.redshift import Redshift


@contextlib.contextmanager
def transaction(server: Redshift, *statements: str) -> Iterator[Any]:
    """Yield a cursor whose open transaction has run the statements."""
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        yield cursor


def waits(work: Callable[[], Any], until: Callable[[], Any]) -> bool:
    """Return True if `work` has not ended after a moment, and ends after `until`."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        time.sleep(0.3)
        waited = not running.done()
        until()
        running.result(10)
        return waited


def test_a_lock_waits_for_each_open_reader_and_later_readers_queue_behind_it(q: Any, redshift: Redshift) -> None:
    """dg/r_LOCK.html: LOCK has one mode, which conflicts with reads."""
    q("create table t.read (i int)")
    with transaction(redshift, "select * from t.read") as reader, transaction(redshift) as locker:
        behind = threading.Thread(target=lambda: q("select * from t.read"))

        def release() -> None:
            behind.start()
            time.sleep(0.2)
            assert behind.is_alive()
            reader.connection.rollback()

        assert waits(lambda: (locker.execute("lock t.read"), locker.connection.rollback()), release)
        behind.join(10)


@pytest.mark.parametrize("write", ["delete from t.read", "insert into t.read values (2)", "update t.read set i = 2"])
def test_writes_and_readers_do_not_wait_for_each_other(q: Any, redshift: Redshift, write: str) -> None:
    """dg/c_write_readwrite.html, and the locks of re:Post's redshift-detect-release-locks."""
    q("create table t.read (i int); insert into t.read values (1)")
    with transaction(redshift, "select * from t.read") as reader, transaction(redshift, write) as writer:
        assert q("select * from t.read") == [(1,)]
        writer.connection.commit()
        reader.execute("select * from t.read")
        assert reader.fetchall() == [(1,)]


@pytest.fixture
def shared(redshift_serializable: Redshift) -> Iterator[str]:
    """Yield a schema with two tables that transactions share, with serializable isolation."""
    with redshift_serializable.schema() as schema, transaction(redshift_serializable) as cursor:
        cursor.execute(f"create table {schema}.a (k int); create table {schema}.b (k int)")
        cursor.connection.commit()
        yield schema


def test_transactions_that_read_and_write_one_table_conflict_whatever_their_rows(
    redshift_serializable: Redshift, shared: str
) -> None:
    """dg/c_serial_isolation-serializable-isolation-troubleshooting.html: a cycle per table, not per row."""
    own = f"select * from {shared}.a where k = 1", f"select * from {shared}.a where k = 2"
    with transaction(redshift_serializable, own[0]) as one, transaction(redshift_serializable, own[1]) as other:
        one.execute(f"insert into {shared}.a values (1)")
        one.connection.commit()
        with pytest.raises(errors.InternalError_, match=r"1023\nDETAIL:  Serializable isolation violation on table"):
            other.execute(f"insert into {shared}.a values (2)")


def test_a_cycle_may_have_two_tables(redshift_serializable: Redshift, shared: str) -> None:
    """The example of the same page: each session reads the table that the other one writes."""
    reads = f"select * from {shared}.a", f"select * from {shared}.b"
    with transaction(redshift_serializable, reads[0]) as one, transaction(redshift_serializable, reads[1]) as other:
        one.execute(f"insert into {shared}.b values (1)")
        one.connection.commit()
        with pytest.raises(errors.InternalError_, match="1023"):
            other.execute(f"insert into {shared}.a values (1)")


def test_appends_and_reads_outside_of_the_transaction_do_not_conflict(
    redshift_serializable: Redshift, shared: str
) -> None:
    """The remedy of the same page: move reads out of the transaction."""
    with (
        transaction(redshift_serializable, f"select * from {shared}.b") as one,
        transaction(redshift_serializable) as other,
        transaction(redshift_serializable) as apart,
    ):
        apart.execute(f"select * from {shared}.a")
        apart.connection.commit()
        one.execute(f"insert into {shared}.a values (1)")
        one.connection.commit()
        other.execute(f"insert into {shared}.a values (2)")
        other.connection.commit()


@pytest.mark.parametrize(
    ("server", "level"), [("redshift", "Snapshot Isolation"), ("redshift_serializable", "Serializable")]
)
def test_every_user_may_read_the_isolation_level(server: str, level: str, request: pytest.FixtureRequest) -> None:
    """dg/r_SVV_REDSHIFT_DATABASES.html."""
    query = "select database_isolation_level from svv_redshift_databases where database_name = 'dev'"
    with transaction(request.getfixturevalue(server), query) as cursor:
        assert cursor.fetchall() == [(level,)]


def test_a_table_that_is_dropped_while_a_statement_waits_for_it(q: Any, redshift: Redshift) -> None:
    """github.com/dbt-labs/dbt-adapters/pull/1873 lists this text and the next one as transient."""
    q("create table t.gone (i int)")
    with transaction(redshift, "drop table t.gone") as dropper, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(q, "select * from t.gone")
        time.sleep(0.2)
        dropper.connection.commit()
        with pytest.raises(errors.InternalError_, match=r"could not open relation with OID [0-9]+"):
            waiting.result(10)
    with pytest.raises(errors.UndefinedTable):
        q("select * from t.gone")


def test_two_changes_of_one_table_at_once_conflict(q: Any, redshift: Redshift) -> None:
    q("create table t.granted (i int)")
    grant = "grant select on t.granted to public"
    with transaction(redshift, grant) as one, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(q, grant)
        time.sleep(0.2)
        one.connection.commit()
        with pytest.raises(errors.InternalError_, match="conflict with concurrent transaction"):
            waiting.result(10)


def test_a_statement_timeout_counts_the_wait_in_a_queue(q: Any, redshift: Redshift) -> None:
    """dg/r_statement_timeout.html."""
    rule = {"match": "^select 1", "action": "queue", "seconds": 0.4, "times": 2}
    with redshift.faults(rule):
        q("set statement_timeout to 200")
        with pytest.raises(errors.QueryCanceled, match="cancelled on user's request"):
            q("select 1")
        q("set statement_timeout to 5000")
        assert q("select 1") == [(1,)]
    with contextlib.suppress(psycopg2.Error):
        q("reset statement_timeout")
