"""Read the errors of servers that speak PostgreSQL's protocol, as psycopg2 raises them.

The codes are from https://www.postgresql.org/docs/current/errcodes-appendix.html.
"""

import psycopg2

from daybook.sql.database_error import Condition, DatabaseError
from daybook.sql.network_limits import READ_TIMEOUT, was_silent

#: The condition for each prefix of an SQLSTATE. A code may have several: 42P01 is a wrong statement, too.
_CONDITIONS = {
    "42P01": Condition.MISSING_TABLE,
    "3F000": Condition.MISSING_TABLE,  # the schema is missing
    "42703": Condition.MISSING_COLUMN,
    "42701": Condition.DUPLICATE_COLUMN,
    "42P07": Condition.ALREADY_EXISTS,
    "42P06": Condition.ALREADY_EXISTS,
    "23505": Condition.UNIQUE_VIOLATION,  # also in the catalog, if another session creates the same object
    "23502": Condition.NULL_VIOLATION,
    "23": Condition.BROKEN_RULE,
    "22": Condition.BAD_VALUE,
    "42846": Condition.BAD_VALUE,  # there is no cast between two types
    "2BP01": Condition.BLOCKED_BY_VIEW,
    "0A000": Condition.BLOCKED_BY_VIEW,  # "cannot alter type of a column used by a view or rule"
    "42501": Condition.NO_PRIVILEGE,
    "57014": Condition.TIMED_OUT,
    "55P03": Condition.LOCKED,
    "42": Condition.WRONG_SQL,
}
#: A retry can succeed after these: serialization failure, deadlock, too many connections, lock timeout.
_TRANSIENT = {"40001", "40P01", "53300", "55P03"}
#: Shutdown, crash, "starting up". Every connection exception (class 08) is a lost connection, too.
_LOST = {"57P01", "57P02", "57P03"}
#: If a connection breaks, or cannot be opened, libpq reports it without an SQLSTATE.
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
    "unexpected eof",
    "timeout expired",
    "timed out",
    "no route to host",
    "network is unreachable",
    "temporary failure in name resolution",
    "terminating connection",
    "the database system is",
    "could not send",
    "no connection to the server",
    "eof detected",
    "lost synchronization",
    "no message from the libpq",  # psycopg2's own error for a connection that ends during a COPY
)
#: While a session is opened, libpq does not pass on the SQLSTATE 53300 (too many connections) either.
_TRANSIENT_TEXTS = ("too many clients", "too many connections", "connection slots are reserved")


def read_error(error: BaseException) -> DatabaseError | None:
    """Return a psycopg2 exception as a DatabaseError, or None for any other exception."""
    if not isinstance(error, psycopg2.Error):
        return None
    text, state, diagnosis = str(error), error.pgcode, error.diag
    if state is not None:
        lost = state.startswith("08") or state in _LOST
    else:
        lost = any(phrase in text.lower() for phrase in _LOST_TEXTS)
    full = state is None and any(phrase in text.lower() for phrase in _TRANSIENT_TEXTS)
    message = diagnosis.message_primary or text.strip().split("\n")[0] or type(error).__name__
    if error.cursor is not None and was_silent(error.cursor.connection):
        message, lost = f"the server sent nothing for as long as {READ_TIMEOUT} in its URL allows", True
    position = diagnosis.statement_position
    return DatabaseError(
        text,
        message,
        [condition for start, condition in _CONDITIONS.items() if (state or "").startswith(start)],
        transient=state in _TRANSIENT or full,
        lost=lost,
        detail=diagnosis.message_detail,
        hint=diagnosis.message_hint,
        column=diagnosis.column_name,
        position=int(position) if position else None,
        context=diagnosis.context,
    )
