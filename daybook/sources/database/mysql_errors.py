"""Read the failures of MySQL and MariaDB from PyMySQL's exceptions, and limit the time of statements."""

import pymysql

from daybook.sql.database_error import Condition, DatabaseError

#: The connection failed: PyMySQL's closed socket, the client's "cannot connect", "gone away" and "lost", the server's
#: errors of communication, and a session that the server ended because it was idle.
_LOST = {0, 2002, 2003, 2006, 2013, 2055, 1152, 1158, 1159, 1160, 1161, 4031}
#: A retry can succeed: too many connections (of all, or of the user), lock wait timeout, deadlock, shutdown, a killed
#: connection, offline mode, and "table definition has changed, please retry transaction".
_TRANSIENT = {1040, 1203, 1053, 1077, 1205, 1213, 1412, 1927, 3032}
#: The server ended a statement that took longer than `limit_sql` allows: MySQL, MariaDB.
_TIMED_OUT = {3024, 1969}


def read_error(error: BaseException) -> DatabaseError | None:
    """Return the failure of a PyMySQL exception, or None for any other exception."""
    if not isinstance(error, pymysql.MySQLError):
        return None
    code = error.args[0] if error.args and isinstance(error.args[0], int) else None
    message = str(error.args[1]) if code is not None and len(error.args) > 1 else str(error)
    return DatabaseError(
        str(error),
        message.strip().split("\n")[0] or type(error).__name__,
        [Condition.TIMED_OUT] if code in _TIMED_OUT else [],
        transient=code in _TRANSIENT,
        lost=code in _LOST,
    )


def limit_sql(version: str, seconds: int) -> str:
    """Return the statement that limits all further statements of the session to `seconds`.

    `version` is the result of VERSION(). See
    https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_max_execution_time and
    https://mariadb.com/docs/server/server-management/variables-and-modes/server-system-variables#max_statement_time
    """
    if "mariadb" in version.lower():
        return f"SET SESSION max_statement_time = {seconds}"
    return f"SET SESSION max_execution_time = {seconds * 1000}"
