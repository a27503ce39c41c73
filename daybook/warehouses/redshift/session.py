"""A session of Redshift whose transactions do not read Daybook's own tables.

With the isolation level SERIALIZABLE, Redshift looks for conflicts per table: transactions that read and write the same
tables in a cycle end with error 1023 (dg/c_serial_isolation-serializable-isolation-troubleshooting.html). All loads write
to `daybook.ledger`. If they only append to it, no cycle can go through it, so loads of different tables never conflict.
"""

from collections.abc import Callable
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from daybook.sql.database_error import ErrorReader
from daybook.warehouses.postgres_family import PostgresSession
from daybook.warehouses.session import Session


class RedshiftSession(PostgresSession):
    """A session that reads Daybook's own tables on a second connection while it has a transaction open.

    `connect` opens the second session. It is called at most once.
    """

    def __init__(self, connection: Any, read_error: ErrorReader, connect: Callable[[], Session]) -> None:
        super().__init__(connection, read_error)
        self._connect = connect
        self._apart: Session | None = None

    def apart(self) -> Session:
        """Return the second session if a transaction is open, else this one.

        The lock of a table makes this safe: the loads that held it before have committed, and none holds it at the
        same time, so what the second session reads of the table does not change until this transaction ends.
        """
        if self.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            return self
        if self._apart is None:
            self._apart = self._connect()
        return self._apart
