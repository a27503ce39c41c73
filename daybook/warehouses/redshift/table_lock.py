"""The lock of a table: `LOCK` of an empty companion table, `daybook.lock_…`, which only loads use.

Redshift's LOCK has one mode, which excludes readers (dg/r_LOCK.html). A LOCK of the table itself would wait for every
open reader, and later readers would queue behind it. INSERT, COPY, DELETE and UPDATE let readers through: they see the
last committed rows (dg/c_write_readwrite.html).
"""

import hashlib

from daybook.errors import WarehouseError
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift.session import RedshiftSession
from daybook.warehouses.session import Session

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


def begin_locked(warehouse: PostgresFamily, session: Session, table: str) -> bool:
    """Open a transaction that excludes every other load of `table`. Readers go on.

    The companion's lock comes first, so that the transaction's snapshot is taken under it: LOCK does not take one
    (dg/c_serial_isolation.html). The DELETE takes the table's own write lock. It makes other writers wait: people, dbt,
    and an older Daybook, which locks the table itself.

    Returns False if the table does not exist. The transaction is open in both cases.
    """
    _lock(warehouse, session, table)
    try:
        session.run(f"/* write lock */ DELETE FROM {warehouse.table(table)} WHERE FALSE")
        return True
    except DatabaseError as error:
        if not meets(error, Condition.MISSING_TABLE):
            raise
    session.run("ROLLBACK")
    _lock(warehouse, session, table)
    return False


def _lock(warehouse: PostgresFamily, session: Session, table: str) -> None:
    """Open a transaction and lock the companion. Create the companion if it does not exist."""
    companion = f"{_SCHEMA}.{companion_of(warehouse, table)}"
    for exists in (False, True):
        session.run("BEGIN")
        try:
            session.run(warehouse.lock_sql(companion))
            break
        except DatabaseError as error:
            if exists or not meets(error, Condition.MISSING_TABLE):
                raise
        session.run("ROLLBACK")
        _create(warehouse, session, table, companion)
    assert isinstance(session, RedshiftSession)
    session.locked = True


def _create(warehouse: PostgresFamily, session: Session, table: str, companion: str) -> None:
    """Create the companion. If several sessions do so at the same moment, the tries of some fail once.

    Raises:
        WarehouseError: the user may not create it. The message has the GRANT.
    """
    for again in (True, False):
        try:
            warehouse.make_schema(session, _SCHEMA)
            session.run(f"CREATE TABLE IF NOT EXISTS {warehouse.table(companion)} (locked boolean)")
            return
        except DatabaseError as error:
            if meets(error, Condition.NO_PRIVILEGE):
                user, reason = session.one("SELECT current_user"), str(error).splitlines()[0]
                raise WarehouseError(
                    f"{table}: {reason}. Loads of the table exclude each other with a lock on the empty table "
                    f"{companion}, which does not exist yet. As the owner of the schema, run: GRANT CREATE, USAGE ON "
                    f'SCHEMA {_SCHEMA} TO "{user}"'
                ) from error
            if error.lost or not again:
                raise
