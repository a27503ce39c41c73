"""A session of Redshift that keeps Daybook's own tables out of the reads of a load's transaction.

With the isolation level SERIALIZABLE, Redshift looks for conflicts per table: transactions that read and write the same
tables in a cycle end with error 1023 (dg/c_serial_isolation-serializable-isolation-troubleshooting.html). All loads
write to `daybook.ledger`. If they only append to it, no cycle goes through it, so loads of different tables never
conflict.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS

from daybook.sql.database_error import Condition, DatabaseError, ErrorReader, meets
from daybook.warehouses.postgres_family import PostgresSession
from daybook.warehouses.session import Session

#: How long a change of a column may take, in milliseconds. It waits for every open reader, and new readers queue behind
#: it. Redshift has no limit for locks alone, and such an ALTER does no more than to change the catalog.
LOCK_TIMEOUT = 10_000
_CHANGES_A_COLUMN = re.compile("ALTER TABLE .+? (ADD|DROP|ALTER) COLUMN ")
_WORKING = (TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS)


class RedshiftSession(PostgresSession):
    """A session that reads Daybook's own tables on a second connection while it holds the lock of a table.

    `connect` opens the second session. It is called at most once. A transaction without the lock only reads, such as
    that of an audit. It reads everything in its own snapshot.
    """

    def __init__(self, connection: Any, read_error: ErrorReader, connect: Callable[[], Session]) -> None:
        super().__init__(connection, read_error)
        self._connect = connect
        self._apart: Session | None = None
        #: True from the lock of a table on, until the next transaction begins.
        self.locked = False

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement with its bind values. Return the number of affected rows, or -1 if it is unknown.

        A change of a column fails with `Condition.LOCKED` if it takes longer than LOCK_TIMEOUT.
        """
        if statement.startswith("BEGIN"):
            self.locked = False
        if not _CHANGES_A_COLUMN.match(statement):
            return super().run(statement, values)
        usual = self.one("SHOW statement_timeout")
        super().run(f"SET statement_timeout TO {LOCK_TIMEOUT}")
        try:
            return super().run(statement, values)
        except DatabaseError as error:
            if not meets(error, Condition.TIMED_OUT):
                raise
            message = f"it had no lock after {LOCK_TIMEOUT / 1000:g} s: {error.message}"
            raise DatabaseError(str(error), message, [Condition.LOCKED], transient=True) from error
        finally:
            if self.connection.info.transaction_status in _WORKING:  # else, the ROLLBACK restores it
                super().run(f"SET statement_timeout TO '{usual}'")

    def apart(self) -> Session:
        """Return the second session if a transaction holds the lock of a table, else this one.

        The lock makes this safe: the loads that held it before have committed, and none holds it at the same time. So
        what the second session reads about the table does not change until this transaction ends.
        """
        if not self.locked or self.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            return self
        if self._apart is None:
            self._apart = self._connect()
        return self._apart
