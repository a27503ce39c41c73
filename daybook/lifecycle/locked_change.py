"""One transaction that holds the lock of a table, for a change of the table and of its ledger."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from daybook.errors import TableLocked
from daybook.ledger.schema_tables import state_tables
from daybook.shell import command
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

#: Milliseconds: a load that commits takes longer, and a person should know.
_PATIENCE = 5_000


@contextmanager
def locked(warehouse: Warehouse, table: str, verb: str) -> Iterator[tuple[Session, bool]]:
    """Open a transaction with the lock of `table`. Yield the session, and True if the table exists. Commit at the end.

    `verb` is the command, for the error: `reset`.

    Raises:
        TableLocked: a load or another session uses the table. Nothing was changed.
    """
    with warehouse.session() as session:
        for one in state_tables(warehouse).values():
            one.ensure(session)
        try:
            with session.undone_on_error():
                with warehouse.waiting_at_most(session, _PATIENCE):
                    exists = warehouse.begin_locked(session, table)
                warehouse.limit_lock_waits(session)
                yield session, exists
                session.run("COMMIT")
        except DatabaseError as error:
            if not meets(error, Condition.TIMED_OUT, Condition.LOCKED):
                raise
            who = "; ".join(holder.who for holder in warehouse.lock_holders(session, [table]))
            raise TableLocked(
                f"{table} is in use{f' by {who}' if who else ''}: a load of it may be running. Nothing was changed. "
                f"Run this again when it has ended: {command('daybook', verb, table)}"
            ) from error


def forget_lock(warehouse: Warehouse, table: str) -> None:
    """Remove what the warehouse keeps for the lock of `table`, if it can: nothing depends on it."""
    try:
        with warehouse.session() as session, warehouse.waiting_at_most(session, _PATIENCE):
            warehouse.forget_lock(session, table)
    except DatabaseError as error:
        logger.warning("%s: the table that its loads lock was not dropped, and is harmless: %s", table, error.message)
