"""The lock of a table: `LOCK` of an empty companion table, `daybook.lock_…`, which only loads use.

Redshift's LOCK has one mode, which excludes readers (dg/r_LOCK.html). A LOCK of the table itself would wait for every
open reader, and later readers would queue behind it. INSERT, COPY, DELETE and UPDATE let readers through: they see the
last committed rows (dg/c_write_readwrite.html).
"""

import hashlib
import logging

from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift.session import RedshiftSession
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

_SCHEMA = "daybook"
_LONGEST_NAME = 63  # bytes; Redshift allows 127, and shorter names are easier to read in svv_transactions
_DIGITS = 8


def companion_of(warehouse: PostgresFamily, table: str) -> str:
    """Return the name of the companion of `table` (`schema.table`): the same for every spelling of that name."""
    name = warehouse.folded(table)
    mark = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    room = _LONGEST_NAME - len(f"lock__{mark}")
    readable = name.replace(".", "_").encode()[:room].decode(errors="ignore")
    return f"lock_{readable}_{mark}"


def companion_sql(warehouse: PostgresFamily, table: str) -> str:
    """Return the quoted companion of `table`, with its schema."""
    return warehouse.table(f"{_SCHEMA}.{companion_of(warehouse, table)}")


def begin_locked(warehouse: PostgresFamily, session: Session, table: str) -> bool:
    """Open a transaction that excludes every other load of `table`. Readers go on.

    The companion's lock comes first, so that the transaction's snapshot is taken under it: LOCK does not take one
    (dg/c_serial_isolation.html). The DELETE takes the table's own write lock. It makes other writers wait: people, dbt,
    and an older Daybook, which locks the table itself. So does this one if the user may not use the companion.

    Returns False if the table does not exist. The transaction is open in both cases.
    """
    claim = f"/* write lock */ DELETE FROM {warehouse.table(table)} WHERE FALSE"
    if denied := _lock_companion(warehouse, session, table):
        logger.warning("%s: readers wait for this load, because it locks the table itself: %s", table, denied)
        session.run("BEGIN")
        claim = warehouse.lock_sql(table)
    try:
        session.run(claim)
        exists = True
    except DatabaseError as error:
        if not meets(error, Condition.MISSING_TABLE):
            raise
        session.run("ROLLBACK")
        if _lock_companion(warehouse, session, table):
            session.run("BEGIN")
        exists = warehouse.exists(session, table)  # another load may have created it between the two locks
        if exists:
            session.run(claim)
    assert isinstance(session, RedshiftSession)
    session.locked = True
    return exists


def _lock_companion(warehouse: PostgresFamily, session: Session, table: str) -> str | None:
    """Open a transaction and lock the companion. Create the companion if it does not exist.

    Returns what the user may not do, and what to grant, or None. In the first case, no transaction is open.
    """
    companion = f"{_SCHEMA}.{companion_of(warehouse, table)}"
    for exists in (False, True):
        session.run("BEGIN")
        try:
            session.run(warehouse.lock_sql(companion))
            return None
        except DatabaseError as error:
            if not meets(error, Condition.NO_PRIVILEGE, Condition.MISSING_TABLE):
                raise
            refused = error
        session.run("ROLLBACK")
        if meets(refused, Condition.NO_PRIVILEGE):
            return refused.message
        if exists:
            raise refused
        if denied := _create(warehouse, session, companion):
            return denied
    raise AssertionError("the second try returns or raises")


def _create(warehouse: PostgresFamily, session: Session, companion: str) -> str | None:
    """Create the companion. If several sessions do so at the same moment, the first tries of some fail.

    Returns what the user may not do, and what to grant, or None.
    """
    for again in (True, False):
        try:
            warehouse.make_schema(session, _SCHEMA)
            session.run(f"CREATE TABLE IF NOT EXISTS {warehouse.table(companion)} (locked boolean)")
            return None
        except DatabaseError as error:
            if meets(error, Condition.NO_PRIVILEGE):
                return error.message
            if error.lost or not again:
                raise
    return None
