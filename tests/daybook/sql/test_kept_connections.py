"""Connections that a run keeps: the next load gets the session of a new one, and none after a failure."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from sqlalchemy import Engine

from daybook.sql.connection import connect
from daybook.sql.kept_connections import kept_connections
from tests.support.source_and_warehouse import Database, Endpoints

ON_POSTGRES = pytest.mark.parametrize("ends", ["postgres-folder"], indirect=True)


def number_of(connection: Any, is_mysql: bool) -> int:
    """Return the server's number of a connection."""
    ((number,),) = ask(connection, "SELECT connection_id()" if is_mysql else "SELECT pg_backend_pid()")
    return int(number)


def ask(connection: Any, *statements: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def unchanged(error: BaseException) -> None:
    """Interpret no error of a driver."""


def numbers(engine: Engine, is_mysql: bool, times: int = 3) -> set[int]:
    found = set()
    for _ in range(times):
        with connect(engine, unchanged) as connection:
            found.add(number_of(connection, is_mysql))
    return found


def test_a_run_keeps_its_connections_and_closes_them_at_the_end(source: Database) -> None:
    assert len(numbers(source.engine, source.is_mysql)) == 3, "each is a new one"
    with kept_connections():
        (number,) = numbers(source.engine, source.is_mysql)
        with connect(source.engine, unchanged) as one, connect(source.engine, unchanged) as other:
            assert number_of(one, source.is_mysql) == number != number_of(other, source.is_mysql)
    assert number not in numbers(source.engine, source.is_mysql)
    with kept_connections():
        assert number not in numbers(source.engine, source.is_mysql), "the next run has its own"


def test_threads_of_a_run_share_them(source: Database) -> None:
    with kept_connections(), ThreadPoolExecutor(2) as pool:
        work = [pool.submit(copy_context().run, numbers, source.engine, source.is_mysql) for _ in range(4)]
        assert len(set().union(*(one.result() for one in work))) <= 2


def test_a_connection_of_a_failed_load_is_closed(source: Database) -> None:
    with kept_connections():
        (before,) = numbers(source.engine, source.is_mysql)
        with pytest.raises(ValueError, match="a guard"), connect(source.engine, unchanged):
            raise ValueError("a guard")
        assert before not in numbers(source.engine, source.is_mysql)


def test_a_lost_connection_is_not_kept(source: Database) -> None:
    with kept_connections():
        with connect(source.engine, unchanged) as connection:
            lost = number_of(connection, source.is_mysql)
            source.run(f"KILL {lost}" if source.is_mysql else f"SELECT pg_terminate_backend({lost})")
        assert lost not in numbers(source.engine, source.is_mysql)


def test_nothing_of_a_session_of_postgresql_is_left(postgres_source: Database) -> None:
    engine = postgres_source.engine
    postgres_source.run("CREATE TABLE things (id int)")
    with kept_connections():
        with connect(engine, unchanged) as connection:
            before = number_of(connection, False)
            clock = ask(connection, "SHOW TimeZone")
            connection.rollback()
            connection.autocommit = True
            ask(connection, "SET TimeZone TO 'Asia/Tokyo'", "CREATE TEMP TABLE daybook_staging (id int)")
            ask(connection, "SELECT pg_advisory_lock(7)", "BEGIN", "INSERT INTO things VALUES (1)")
        postgres_source.run("LOCK TABLE things IN ACCESS EXCLUSIVE MODE NOWAIT")
        with connect(engine, unchanged) as connection:
            assert number_of(connection, False) == before
            assert ask(connection, "SHOW TimeZone") == clock
            assert ask(connection, "SELECT to_regclass('pg_temp.daybook_staging')") == [(None,)]
            assert ask(connection, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]
            assert ask(connection, "SELECT count(*) FROM things") == [(0,)], "it was rolled back"


def test_a_snapshot_of_mysql_ends(mysql_source: Database) -> None:
    mysql_source.run("CREATE TABLE things (id int) ENGINE = InnoDB")
    with kept_connections():
        with connect(mysql_source.engine, unchanged) as connection:
            before = number_of(connection, True)
            assert ask(connection, "START TRANSACTION READ ONLY", "SELECT count(*) FROM things") == [(0,)]
        mysql_source.run("INSERT INTO things VALUES (1)")
        mysql_source.run("ALTER TABLE things ADD COLUMN note text")  # waits for no lock of the snapshot
        with connect(mysql_source.engine, unchanged) as connection:
            assert number_of(connection, True) == before
            assert ask(connection, "SELECT count(*) FROM things") == [(1,)]


def test_a_warehouse_without_a_reset_gets_new_connections(redshift: Any, redshift_schema: str) -> None:
    database = Database(redshift.url, redshift_schema)
    with contextlib.closing(database), kept_connections():
        assert len(numbers(database.engine, False)) == 3


@ON_POSTGRES
def test_loads_of_a_run_are_those_of_single_runs(ends: Endpoints) -> None:
    """Loads that succeed and fail, of tables with other columns, again and again, on the same connections."""
    clock = "datetime" if ends.source.is_mysql else "timestamp"
    for number in range(3):
        extra = ", ".join(f"c{column} varchar(9)" for column in range(number + 1))
        ends.source.run(f"CREATE TABLE t{number} (id int PRIMARY KEY, at {clock}, {extra})")
        rows = [(id, "2021-02-05 10:00:00", *["x"] * (number + 1)) for id in range(20)]
        ends.source.insert(f"t{number}", rows)
    tables = [ends.table(f"t{number}", key=["id"], cursor="at") for number in range(3)]
    broken = ends.table("t0", key=["c0"])
    with kept_connections():
        for turn in range(3):
            for number, table in enumerate(tables):
                assert ends.load(table).rows == 20
                assert ends.rows(table, "id, c0", "1") == [(id, "x" if id >= turn else "y") for id in range(20)]
                ends.source.run(f"UPDATE t{number} SET c0 = 'y' WHERE id = {turn}")
            with pytest.raises(Exception, match=r"rows share a key|rows have no key"):
                ends.load(broken.model_copy(update={"name": f"{ends.destination.namespace}.broken"}))
