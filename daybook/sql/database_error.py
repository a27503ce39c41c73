"""Database errors without the details of one driver: the reason of a refusal, and if a retry can succeed.

Only the module of a database handles its driver's exceptions. That module has a reader that converts them to
`DatabaseError`. The rest of Daybook looks at the conditions of a `DatabaseError`, never at a database's error codes.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy.exc import DBAPIError


class Condition(StrEnum):
    """The reason why a database refused a statement."""

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
    LOCKED = "another session holds a lock, and the time to wait for it is over"


class DatabaseError(Exception):
    """A failure of a database. `str(error)` is the driver's whole message, which may have personal data in it."""

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
        """The first line of the message, without the lines that have values."""
        self.conditions = frozenset(conditions)
        self.transient = transient or lost
        """The same statements may succeed a moment later."""
        self.lost = lost
        """The connection broke, so the last statement may or may not have been executed."""
        self.detail, self.hint, self.column, self.context = detail, hint, column, context
        self.position = position
        """The position, from 1, of the wrong character in the statement; None if the database does not report it."""

    def __reduce__(self) -> tuple[type[Exception], tuple[str, str, frozenset[Condition]], dict[str, object]]:
        """Pickle the error with all of its fields."""
        return type(self), (str(self), self.message, self.conditions), self.__dict__


#: Turns a driver's exception into a DatabaseError; returns None for any other exception.
ErrorReader = Callable[[BaseException], DatabaseError | None]


@contextmanager
def translated(read: ErrorReader) -> Iterator[None]:
    """Convert a driver's exception in the block with `read`. Exceptions that `read` does not know stay unchanged.

    Raises:
        DatabaseError: a driver's exception left the block.
    """
    try:
        yield
    except Exception as error:
        driver = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        found = read(driver)
        if found is None:
            raise
        raise found from error


def first_line(error: BaseException | None) -> str:
    """Return the first line of an error. For a DatabaseError, it has no values in it."""
    if isinstance(error, DatabaseError):
        return error.message
    text = str(error or "").strip()
    return text.split("\n")[0] if text or error is None else type(error).__name__


def is_transient(error: BaseException) -> bool:
    """Return True if the same statements may succeed a moment later."""
    return isinstance(error, DatabaseError) and error.transient


def meets(error: BaseException, *conditions: Condition) -> bool:
    """Return True if a database refused a statement because of one of these conditions."""
    return isinstance(error, DatabaseError) and not error.conditions.isdisjoint(conditions)
