"""A database's failures as data: what it refused, and whether a retry can succeed.

A driver's exception stays within the module that speaks to its database. A reader of that module turns it into a
`DatabaseError`, and the rest of Daybook asks that what happened, not for the codes of one database.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy.exc import DBAPIError


class Condition(StrEnum):
    """The reason for which a database refused a statement."""

    MISSING_TABLE = "there is no such table or schema"
    MISSING_COLUMN = "there is no such column"
    DUPLICATE_COLUMN = "the table has such a column already"
    ALREADY_EXISTS = "there is such a table or schema already"
    UNIQUE_VIOLATION = "two rows share a key that must be unique"
    NULL_VIOLATION = "a value is NULL that must not be"
    BROKEN_RULE = "a row breaks a rule of its table"
    BAD_VALUE = "a value does not fit a type, or there is no cast between two types"
    BLOCKED_BY_VIEW = "a view reads what the statement changes"
    NO_PRIVILEGE = "the user may not do that"
    WRONG_SQL = "the statement is wrong, whatever the rows are: syntax, names, types, privileges"
    TIMED_OUT = "the server ended the statement because it took too long"


class DatabaseError(Exception):
    """A failure of a database. `str(error)` is all that its driver says, which may hold people's data."""

    def __init__(
        self,
        text: str,
        message: str,
        conditions: Iterable[Condition] = (),
        *,
        transient: bool = False,
        lost: bool = False,
        detail: str | None = None,
        hint: str | None = None,
        column: str | None = None,
        position: int | None = None,
        context: str | None = None,
    ) -> None:
        super().__init__(text)
        self.message = message
        """Its first line, without the lines that carry values."""
        self.conditions = frozenset(conditions)
        self.transient = transient or lost
        """The same statements may succeed a moment later."""
        self.lost = lost
        """The connection broke, so nobody knows whether the last statement was carried out."""
        self.detail, self.hint, self.column, self.context = detail, hint, column, context
        self.position = position
        """Of the character, from 1, at which the statement is wrong; None where the database does not say."""

    def __reduce__(self) -> tuple[type[Exception], tuple[str, str, frozenset[Condition]], dict[str, object]]:
        """Let another process have it, with all of its fields."""
        return type(self), (str(self), self.message, self.conditions), self.__dict__


#: Turns a driver's exception into a DatabaseError; returns None for any other exception.
ErrorReader = Callable[[BaseException], DatabaseError | None]


@contextmanager
def translated(read: ErrorReader) -> Iterator[None]:
    """Raise a driver's exception that leaves the block as the DatabaseError that `read` makes of it."""
    try:
        yield
    except Exception as error:
        driver = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        found = read(driver)
        if found is None:
            raise
        raise found from error


def first_line(error: BaseException | None) -> str:
    """Return the first line of an error: of a database's without the lines that carry values."""
    if isinstance(error, DatabaseError):
        return error.message
    text = str(error or "").strip()
    return text.split("\n")[0] if text or error is None else type(error).__name__


def is_transient(error: BaseException) -> bool:
    """Return True if the same statements may succeed a moment later."""
    return isinstance(error, DatabaseError) and error.transient


def meets(error: BaseException, *conditions: Condition) -> bool:
    """Return True if a database refused a statement for one of these conditions."""
    return isinstance(error, DatabaseError) and not error.conditions.isdisjoint(conditions)
