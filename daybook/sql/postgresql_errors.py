"""The failures of a server that speaks PostgreSQL's protocol, as psycopg2 raises them.

The codes are those of https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

import psycopg2

from daybook.sql.database_error import Condition, DatabaseError

#: What an SQLSTATE that begins so means. A code may mean several things: 42P01 is a wrong statement, too.
_CONDITIONS = {
    "42P01": Condition.MISSING_TABLE,
    "3F000": Condition.MISSING_TABLE,  # the schema is missing
    "42703": Condition.MISSING_COLUMN,
    "42701": Condition.DUPLICATE_COLUMN,
    "42P07": Condition.ALREADY_EXISTS,
    "42P06": Condition.ALREADY_EXISTS,
    "23505": Condition.UNIQUE_VIOLATION,  # also in the catalogue: somebody else has just created the same
    "23502": Condition.NULL_VIOLATION,
    "23": Condition.BROKEN_RULE,
    "22": Condition.BAD_VALUE,
    "42846": Condition.BAD_VALUE,  # there is no cast between two types
    "2BP01": Condition.BLOCKED_BY_VIEW,
    "0A000": Condition.BLOCKED_BY_VIEW,  # "cannot alter type of a column used by a view or rule"
    "42501": Condition.NO_PRIVILEGE,
    "57014": Condition.TIMED_OUT,
    "42": Condition.WRONG_SQL,
}
#: A retry gets past these: serialization failure, deadlock, too many connections.
_TRANSIENT = {"40001", "40P01", "53300"}
#: Shutdown, crash, "starting up"; so is every connection exception (class 08).
_LOST = {"57P01", "57P02", "57P03"}
#: libpq reports a connection that broke in mid-statement as a DatabaseError without any SQLSTATE.
_LOST_TEXTS = (
    "server closed the connection",
    "connection already closed",
    "connection not open",
    "could not connect",
    "connection refused",
    "connection reset",
    "could not receive data",
    "ssl syscall error",
    "ssl connection has been closed",
    "terminating connection",
    "the database system is",
    "could not send",
    "no connection to the server",
    "eof detected",
    "lost synchronization",
)


def read_error(error: BaseException) -> DatabaseError | None:
    """Return what a psycopg2 exception says; None for any other exception."""
    if not isinstance(error, psycopg2.Error):
        return None
    text, state, diagnosis = str(error), error.pgcode, error.diag
    if state is not None:
        lost = state.startswith("08") or state in _LOST
    else:
        lost = any(phrase in text.lower() for phrase in _LOST_TEXTS)
    position = diagnosis.statement_position
    return DatabaseError(
        text,
        diagnosis.message_primary or text.strip().split("\n")[0] or type(error).__name__,
        [condition for start, condition in _CONDITIONS.items() if (state or "").startswith(start)],
        transient=state in _TRANSIENT,
        lost=lost,
        detail=diagnosis.message_detail,
        hint=diagnosis.message_hint,
        column=diagnosis.column_name,
        position=int(position) if position else None,
        context=diagnosis.context,
    )
