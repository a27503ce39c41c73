"""How long a statement of the audit may take at the source, which its server sees to."""

from typing import Any

#: What the server says when it has ended a statement for that: MySQL, MariaDB; PostgreSQL.
_MYSQL_CODES = (3024, 1969)
_POSTGRESQL_CODE = "57014"


def limit_sql(version: str, seconds: int) -> str:
    """The statement after which those of a MySQL or MariaDB session end after `seconds`. `version` as VERSION() has it.

    https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_max_execution_time and
    https://mariadb.com/docs/server/server-management/variables-and-modes/server-system-variables#max_statement_time
    """
    if "mariadb" in version.lower():
        return f"SET SESSION max_statement_time = {seconds}"
    return f"SET SESSION max_execution_time = {seconds * 1000}"


def timed_out(error: BaseException) -> bool:
    """Whether a server has ended a statement because it took too long."""
    code: Any = error.args[0] if error.args else None
    return getattr(error, "pgcode", None) == _POSTGRESQL_CODE or code in _MYSQL_CODES
