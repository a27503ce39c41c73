"""A database's failure is data, from its driver to the report of a run."""

import pickle

import pytest
from sqlalchemy.exc import OperationalError

from daybook.sql.database_error import Condition, DatabaseError, first_line, is_transient, meets, translated


class _DriverError(Exception):
    pass


def read_error(error: BaseException) -> DatabaseError | None:
    return DatabaseError(f"driver: {error}", str(error)) if isinstance(error, _DriverError) else None


def test_a_drivers_exception_is_translated_also_where_sqlalchemy_wrapped_it() -> None:
    for raised in (_DriverError("refused"), OperationalError("connect", {}, _DriverError("refused"))):
        with pytest.raises(DatabaseError, match="driver: refused") as caught, translated(read_error):
            raise raised
        assert caught.value.__cause__ is raised


def test_any_other_exception_stays_what_it_is() -> None:
    for raised in (ValueError("no"), DatabaseError("known", "known")):
        with pytest.raises(type(raised)) as caught, translated(read_error):
            raise raised
        assert caught.value is raised


def test_it_travels_to_another_process_whole() -> None:
    error = DatabaseError("all\nDETAIL: id=5", "all", [Condition.BROKEN_RULE], lost=True, column="id", position=7)
    arrived = pickle.loads(pickle.dumps(error))
    assert str(arrived) == "all\nDETAIL: id=5" and vars(arrived) == vars(error)
    assert is_transient(arrived) and meets(arrived, Condition.WRONG_SQL, Condition.BROKEN_RULE)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DatabaseError("duplicate key\nDETAIL: mail=x@y", "duplicate key"), "duplicate key"),
        (ValueError("first\nsecond"), "first"),
        (ValueError(), "ValueError"),
        (None, ""),
    ],
)
def test_the_first_line(error: BaseException | None, line: str) -> None:
    assert first_line(error) == line
