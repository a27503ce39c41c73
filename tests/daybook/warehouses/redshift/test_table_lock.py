"""The companion tables that loads lock: their names, their creation, and whom their locks exclude."""

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift.table_lock import companion_of
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.redshift import IAM_ROLE, Redshift


def open_redshift(url: str) -> PostgresFamily:
    warehouse = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
    assert isinstance(warehouse, PostgresFamily)
    return warehouse


@pytest.fixture
def warehouse(redshift: Redshift) -> PostgresFamily:
    return open_redshift(redshift.url)


@pytest.fixture
def table(redshift: Redshift, redshift_schema: str) -> Iterator[str]:
    """Yield a table with one row."""
    with contextlib.closing(redshift.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {redshift_schema}.things (id int); INSERT INTO {redshift_schema}.things VALUES (1)"
        )
        connection.commit()
    yield f"{redshift_schema}.things"


def test_names(warehouse: PostgresFamily) -> None:
    assert companion_of(warehouse, "raw.nps").startswith("lock_raw_nps_")
    assert companion_of(warehouse, "raw.NPS") == companion_of(warehouse, "raw.nps"), "Redshift folds names"
    names = [companion_of(warehouse, name) for name in ("a_b.c", "a.b_c", f"é.{'é' * 60}a", f"é.{'é' * 60}b")]
    assert len(set(names)) == 4
    assert max(len(name.encode()) for name in names) <= 63


def test_the_lock_is_the_first_statement_and_leaves_readers_alone(
    warehouse: PostgresFamily, table: str, redshift_statements: Callable[[], list[str]]
) -> None:
    with warehouse.session() as session, warehouse.session() as reader:
        assert warehouse.begin_locked(session, table)
        assert reader.one(f"SELECT count(*) FROM {warehouse.table(table)}") == 1
        session.run("ROLLBACK")
    sent = redshift_statements()
    at = sent.index(f"/* write lock */ DELETE FROM {warehouse.table(table)} WHERE FALSE")
    companion = warehouse.quote("daybook", companion_of(warehouse, table))
    assert sent[at - 2 : at] == ["BEGIN", f"LOCK {companion}"]
    assert f"LOCK {warehouse.table(table)}" not in sent


def test_a_worker_of_an_older_version_is_excluded_and_excludes(
    warehouse: PostgresFamily, redshift: Redshift, table: str
) -> None:
    """It locks the table itself."""
    with (
        contextlib.closing(redshift.connect()) as old,
        old.cursor() as cursor,
        warehouse.session() as session,
        ThreadPoolExecutor(1) as pool,
    ):
        cursor.execute(f"LOCK {table}")
        new = pool.submit(warehouse.begin_locked, session, table)
        time.sleep(0.2)
        assert not new.done()
        cursor.execute(f"INSERT INTO {table} VALUES (2)")
        old.commit()
        assert new.result(10)
        assert session.one(f"SELECT count(*) FROM {table}") == 2, "the snapshot is taken after the lock"
        waiting = pool.submit(cursor.execute, f"LOCK {table}")
        time.sleep(0.2)
        assert not waiting.done()
        session.run("COMMIT")
        waiting.result(10)
        old.rollback()


def test_a_missing_table_is_locked_too(warehouse: PostgresFamily, redshift_schema: str) -> None:
    with warehouse.session() as session, warehouse.session() as other, ThreadPoolExecutor(1) as pool:
        assert not warehouse.begin_locked(session, f"{redshift_schema}.absent")
        waiting = pool.submit(warehouse.begin_locked, other, f"{redshift_schema}.absent")
        time.sleep(0.2)
        assert not waiting.done()
        session.run(f"CREATE TABLE {redshift_schema}.absent (id int)")
        session.run("COMMIT")
        assert waiting.result(10)
        other.run("ROLLBACK")


@pytest.mark.parametrize("statement", ["^create +table", "^lock .*daybook"])
def test_a_user_who_may_not_use_the_companion(
    redshift: Redshift, warehouse: PostgresFamily, table: str, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The table itself is locked, as an older version does."""
    denied = {
        "match": statement,
        "action": "error",
        "sqlstate": "42501",
        "message": "permission denied for schema daybook",
    }
    with warehouse.session() as session, warehouse.session() as other, ThreadPoolExecutor(1) as pool:
        with redshift.faults(denied):
            assert warehouse.begin_locked(session, table)
        assert f"{table}: readers wait for this load" in caplog.text
        assert "GRANT USAGE, CREATE ON SCHEMA daybook TO awsuser" in caplog.text
        waiting = pool.submit(warehouse.begin_locked, other, table)
        time.sleep(0.2)
        assert not waiting.done(), "it excludes the loads of users who may lock the companion"
        session.run("COMMIT")
        assert waiting.result(10)
        other.run("ROLLBACK")


def test_the_query_group_of_the_url(redshift: Redshift, redshift_statements: Callable[[], list[str]]) -> None:
    url = make_url(redshift.url).update_query_dict({"query_group": "etl's", "application_name": "daybook"})
    warehouse = open_redshift(url.render_as_string(hide_password=False))
    with warehouse.session() as session:
        assert session.one("SELECT 1") == 1
        assert session.one("SHOW application_name") == "daybook"
    sent = redshift_statements()
    assert "SET query_group TO 'etl''s'" in sent
    assert "query_group" not in warehouse.dbt_output(url.difference_update_query(["application_name"]), "x")
