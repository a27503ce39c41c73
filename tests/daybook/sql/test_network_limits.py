"""A connection gives up a server that is silent during a statement, and no other."""

import time

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.sources.database import mysql_errors
from daybook.sql import network_limits, postgresql_errors
from daybook.sql.connection import connect
from daybook.sql.database_error import DatabaseError, translated
from tests.support.servers.gate import gate
from tests.support.source_and_warehouse import Database

LIMITS = {"connect_timeout": "2", "read_timeout": "1"}
SLEEP = {True: "SELECT sleep({})", False: "SELECT pg_sleep({})"}


def opened(database: Database, **options: str):
    url = make_url(database.url).update_query_dict(options)
    errors = mysql_errors if database.is_mysql else postgresql_errors
    return connect(create_engine(url, poolclass=NullPool), errors.read_error), errors.read_error


def run(connection, statement: str):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_statement_that_sends_nothing_for_too_long(source: Database) -> None:
    connection, read_error = opened(source, **LIMITS)
    began = time.monotonic()
    with pytest.raises(DatabaseError) as caught, connection as its, translated(read_error):
        run(its, SLEEP[source.is_mysql].format(60))
    assert caught.value.lost and time.monotonic() - began < 10
    assert ("timed out" if source.is_mysql else "read_timeout in its URL") in caught.value.message


def test_a_connection_may_be_idle_for_longer(source: Database) -> None:
    connection, _ = opened(source, **LIMITS)
    with connection as its:
        assert run(its, "SELECT 1")[0][0] == 1
        time.sleep(1.6)
        assert run(its, SLEEP[source.is_mysql].format(0.6))
        assert run(its, "SELECT 2")[0][0] == 2


def test_a_server_that_accepts_and_does_not_answer(source: Database) -> None:
    url = make_url(source.url)
    with gate(url.host or "", url.port or 0) as way:
        way.hold(bytes=1)
        silent = Database(url.set(port=way.port).render_as_string(hide_password=False), "")
        began, (connection, _) = time.monotonic(), opened(silent, **LIMITS)
        with pytest.raises(DatabaseError) as caught, connection:
            pass
    assert caught.value.lost and 1 < time.monotonic() - began < 20


def test_the_defaults(source: Database) -> None:
    connection, _ = opened(source)
    with connection as its:
        if source.is_mysql:
            assert its._read_timeout == network_limits.READ_SECONDS and its.connect_timeout == 30
        else:
            wanted = {"connect_timeout": "30", "keepalives_idle": "60", "keepalives_count": "6"}
            assert wanted.items() <= its.info.dsn_parameters.items()
