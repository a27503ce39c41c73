"""Warn once a process about a database whose transactions are SERIALIZABLE, the default of older clusters."""

import logging
import threading

from daybook.sql.database_error import DatabaseError
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

#: The databases that were asked: host, port and name.
_asked: set[tuple[str, int, str]] = set()
_asking = threading.Lock()


def warn_if_serializable(session: Session) -> None:
    """Log a warning if the session's database is SERIALIZABLE. Ask each database once. No transaction is open.

    Every user may read svv_redshift_databases (dg/r_SVV_REDSHIFT_DATABASES.html), unless metadata security hides it.
    Some users may not read stv_db_isolation_level. An older cluster has neither, and then there is no warning.
    """
    at = session.connection.info
    with _asking:
        database = (at.host, at.port, at.dbname)
        if database in _asked:
            return
        _asked.add(database)
    try:
        level = session.one(
            "SELECT database_isolation_level FROM svv_redshift_databases WHERE database_name = %s", (at.dbname,)
        )
    except DatabaseError as error:
        if error.lost:
            raise
        logger.debug("the isolation level of %s is unknown: %s", at.dbname, error.message)
        return
    if (level or "").strip().upper() == "SERIALIZABLE":
        logger.warning(
            "the database %s has the isolation level SERIALIZABLE: a load or a build is canceled and tried again if "
            "one of its checks reads a table that another transaction is changing. To avoid that, run this as a "
            "superuser while nobody else is connected: ALTER DATABASE %s ISOLATION LEVEL SNAPSHOT (AWS does not allow "
            "it for the database dev)",
            at.dbname,
            '"' + at.dbname.replace('"', '""') + '"',
        )
