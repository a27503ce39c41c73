"""Lock waits: a statement that locks out readers waits only briefly for its lock, and is tried again later.

While such a statement waits for one idle transaction, every new SELECT on the table queues behind it. So its wait is
short, and between two tries the queued readers go on.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from daybook.errors import TableLocked
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.sql.retries import with_retries
from daybook.warehouses.session import Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A session that holds a lock on a table, described for people, and the SQL that ends the session."""

    who: str
    end_sql: str


class LockWaits(Protocol):
    """The part of a warehouse that limits how long readers wait. By default, the warehouse has no such limit."""

    #: The views in which a person finds the session that holds a lock.
    lock_views: ClassVar[str] = "pg_locks and pg_prepared_xacts"

    def waiting_at_most(self, session: Session, milliseconds: int) -> AbstractContextManager[None]:
        """Limit how long a statement in the block waits for another session. After that, it fails."""
        ...

    def forget_lock(self, session: Session, table: str) -> None:
        """Remove what the warehouse keeps for the lock of a table that is no longer loaded. By default, nothing."""

    def limit_lock_waits(self, session: Session) -> None:
        """Limit how long each later statement of the open transaction waits for a lock: see `Condition.LOCKED`."""

    def alter(self, session: Session, statement: str) -> None:
        """Run one ALTER outside of a transaction, with a short wait for its lock, and release the lock at once."""
        session.run(statement)

    def lock_holders(self, session: Session, tables: Sequence[str]) -> list[LockHolder]:
        """Return other sessions that hold locks on these tables, as far as the user may see them."""
        return []


def retry_while_locked(
    warehouse: LockWaits, session: Session, tables: Sequence[str], what: str, attempt: Callable[[], T]
) -> T:
    """Return `attempt()`, which locks out readers. Try again, with backoff, while other sessions hold locks.

    Args:
        warehouse: the warehouse.
        session: the session of the attempt. No transaction is open before and after a failed attempt.
        tables: the tables, `schema.table`, that the attempt locks. The error names the sessions that use them.
        what: the table and the interval, and what the attempt does, for the log and the error.
        attempt: the work. It must be safe to repeat.

    Raises:
        TableLocked: other sessions held locks on every try.
        DatabaseError: the attempt failed in another way.
    """
    holders: list[LockHolder] = []

    def once() -> T:
        try:
            return attempt()
        except DatabaseError as error:
            if not meets(error, Condition.LOCKED):
                raise
            holders[:] = warehouse.lock_holders(session, tables)
            who = (
                "; ".join(holder.who for holder in holders)
                or "a short transaction, or a session that this user cannot see"
            )
            message = f"{' or '.join(tables)} is locked by {who}"
            raise DatabaseError(str(error), message, error.conditions, transient=True) from error

    def locked(story: str) -> TableLocked:
        ends = "; ".join(holder.end_sql for holder in holders)
        remedy = f"end it with {ends}" if ends else f"find it in {warehouse.lock_views}, and end it"
        return TableLocked(
            f"{story}\nNothing was changed, and readers do not wait any more. Let that session finish its transaction, "
            f"or {remedy}. Then run this again"
        )

    return with_retries(once, what=what, failed=None, lost=locked, when=lambda error: meets(error, Condition.LOCKED))
