"""The error codes of MySQL and MariaDB."""

import pymysql
import pytest

from daybook.sources.database.mysql_errors import limit_sql, read_error
from daybook.sql.database_error import Condition


@pytest.mark.parametrize(
    ("code", "transient", "lost"),
    [
        (1213, True, False),
        (1205, True, False),
        (1040, True, False),
        (2013, True, True),
        (2006, True, True),
        (0, True, True),
        (1159, True, True),
        (4031, True, True),
        (1203, True, False),
        (3032, True, False),
        (1045, False, False),
    ],
)
def test_temporary_failures(code: int, transient: bool, lost: bool) -> None:
    error = read_error(pymysql.err.OperationalError(code, "message\nmore"))
    assert error is not None and (error.transient, error.lost, error.message) == (transient, lost, "message")


@pytest.mark.parametrize("code", [3024, 1969])
def test_a_statement_that_took_too_long(code: int) -> None:
    error = read_error(pymysql.err.OperationalError(code, "Query execution was interrupted"))
    assert error is not None and error.conditions == {Condition.TIMED_OUT} and not error.transient


def test_an_exception_without_a_code() -> None:
    error = read_error(pymysql.err.Error("Already closed"))
    assert error is not None and error.message == "Already closed" and not error.transient
    assert read_error(ValueError(2013)) is None


def test_the_time_limit_of_each_server() -> None:
    assert limit_sql("10.11.6-MariaDB-0+deb12u1", 60) == "SET SESSION max_statement_time = 60"
    assert limit_sql("8.4.2", 60) == "SET SESSION max_execution_time = 60000"
