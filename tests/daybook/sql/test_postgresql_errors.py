"""What a server that speaks PostgreSQL's protocol means by its codes."""

import psycopg2
import psycopg2.errors
import pytest

from daybook.sql.database_error import Condition
from daybook.sql.postgresql_errors import read_error
from daybook.warehouses.redshift import Redshift
from tests.support.servers.postgres import Postgres
from tests.support.source_and_warehouse import Database


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> Database:  # type: ignore[misc]
    with postgres.database() as url:
        database = Database(url, "public")
        database.run("CREATE TABLE things (id int PRIMARY KEY, word varchar(3) NOT NULL CHECK (word <> 'no'))")
        database.run("CREATE VIEW words AS SELECT word FROM things; INSERT INTO things VALUES (1, 'a')")
        yield database


@pytest.mark.parametrize(
    ("sql", "conditions"),
    [
        ("SELECT 1 FROM missing", {Condition.MISSING_TABLE, Condition.WRONG_SQL}),
        ("CREATE TABLE nowhere.things (id int)", {Condition.MISSING_TABLE}),
        ("SELECT missing FROM things", {Condition.MISSING_COLUMN, Condition.WRONG_SQL}),
        ("ALTER TABLE things ADD COLUMN id int", {Condition.DUPLICATE_COLUMN, Condition.WRONG_SQL}),
        ("CREATE TABLE things (id int)", {Condition.ALREADY_EXISTS, Condition.WRONG_SQL}),
        ("CREATE SCHEMA public", {Condition.ALREADY_EXISTS, Condition.WRONG_SQL}),
        ("INSERT INTO things VALUES (1, 'b')", {Condition.UNIQUE_VIOLATION, Condition.BROKEN_RULE}),
        ("INSERT INTO things VALUES (2, NULL)", {Condition.NULL_VIOLATION, Condition.BROKEN_RULE}),
        ("INSERT INTO things VALUES (2, 'no')", {Condition.BROKEN_RULE}),
        ("INSERT INTO things VALUES (2, 'long')", {Condition.BAD_VALUE}),
        ("SELECT 1 / 0", {Condition.BAD_VALUE}),
        ("SELECT true::date", {Condition.BAD_VALUE, Condition.WRONG_SQL}),
        ("ALTER TABLE things DROP COLUMN word", {Condition.BLOCKED_BY_VIEW}),
        ("ALTER TABLE things ALTER COLUMN word TYPE text", {Condition.BLOCKED_BY_VIEW}),
        ("SET LOCAL statement_timeout TO 50; SELECT pg_sleep(5)", {Condition.TIMED_OUT}),
        ("SELEC", {Condition.WRONG_SQL}),
    ],
)
def test_conditions(database: Database, sql: str, conditions: set[Condition]) -> None:
    with pytest.raises(psycopg2.Error) as raised:
        database.run(sql)
    error = read_error(raised.value)
    assert error is not None and error.conditions == conditions
    assert not error.transient and "\n" not in error.message and error.message in str(error)


def test_what_it_says_of_a_row_is_no_part_of_the_message(database: Database) -> None:
    with pytest.raises(psycopg2.Error) as raised:
        database.run("INSERT INTO things VALUES (2, NULL)")
    error = read_error(raised.value)
    assert error is not None and error.column == "word"
    assert "Failing row" in (error.detail or "") and "Failing row" not in error.message


@pytest.mark.parametrize(
    ("kind", "transient", "lost"),
    [
        (psycopg2.errors.SerializationFailure, True, False),
        (psycopg2.errors.DeadlockDetected, True, False),
        (psycopg2.errors.AdminShutdown, True, True),
        (psycopg2.errors.ConnectionFailure, True, True),
        (psycopg2.errors.InvalidPassword, False, False),
    ],
)
def test_what_passes(kind: type[psycopg2.Error], transient: bool, lost: bool) -> None:
    state = {psycopg2.errors.lookup(code): code for code in ("40001", "40P01", "57P01", "08006", "28P01")}[kind]

    class Raised(kind):  # type: ignore[misc, valid-type]
        pgcode = state

    error = read_error(Raised("said"))
    assert error is not None and (error.transient, error.lost) == (transient, lost)


@pytest.mark.parametrize(
    "said",
    [
        "server closed the connection unexpectedly",
        "SSL SYSCALL error: EOF detected",
        "SSL error: unexpected eof while reading",
        "error with status PGRES_COPY_OUT and no message from the libpq",
        "connection already closed",
        'connection to server at "db" (10.0.0.1), port 5432 failed: timeout expired',
        'connection to server at "db" (10.0.0.1), port 5432 failed: Connection timed out',
        'connection to server at "db" (10.0.0.1), port 5432 failed: No route to host',
        'could not translate host name "db" to address: Temporary failure in name resolution',
    ],
)
def test_a_connection_that_broke_has_no_code(said: str) -> None:
    error = read_error(psycopg2.OperationalError(said))
    assert error is not None and error.lost and error.transient


@pytest.mark.parametrize(
    ("said", "transient"),
    [
        ("FATAL:  sorry, too many clients already", True),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", True),
        ('FATAL:  too many connections for role "loader"', True),
        ('FATAL:  password authentication failed for user "loader"', False),
        ('FATAL:  database "dwh" does not exist', False),
    ],
)
def test_a_server_that_refuses_a_session(said: str, transient: bool) -> None:
    error = read_error(psycopg2.OperationalError(f'connection to server at "db" (10.0.0.1), port 5432 failed: {said}'))
    assert error is not None and error.transient == transient and not error.lost


def test_another_exception_is_not_read() -> None:
    assert read_error(ValueError("server closed the connection")) is None


def test_only_redshift_fails_with_1023() -> None:
    raised = psycopg2.InternalError("1023\nDETAIL:  Serializable isolation violation on table - 1")
    on_redshift, elsewhere = Redshift.read_error(raised), read_error(raised)
    assert on_redshift is not None and on_redshift.transient and not on_redshift.lost
    assert elsewhere is not None and not elsewhere.transient


def test_a_lock_that_is_not_free_in_time_may_be_later(database: Database) -> None:
    with database.connection() as holds:
        holds.cursor().execute("LOCK TABLE things")
        with pytest.raises(psycopg2.Error) as raised:
            database.run("SET LOCAL lock_timeout TO 50; SELECT 1 FROM things")
        holds.rollback()
    error = read_error(raised.value)
    assert error is not None and error.conditions == {Condition.LOCKED} and error.transient
