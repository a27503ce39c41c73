"""Find the sessions that hold locks on tables: dg/r_SVV_TRANSACTIONS.html."""

from collections.abc import Sequence

from daybook.model.table_name import TableName
from daybook.warehouses.lock_waits import LockHolder
from daybook.warehouses.redshift.session import LOCK_TIMEOUT
from daybook.warehouses.session import Session

#: The oldest first. Younger transactions are left out, because they queued behind the statement that waits.
_HOLDERS = """
SELECT t.pid, t.txn_owner, t.txn_start FROM svv_transactions t
JOIN pg_class c ON c.oid = t.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.granted AND t.pid <> pg_backend_pid() AND t.txn_start < dateadd(ms, {age}, getdate()) AND ({tables})
GROUP BY t.pid, t.txn_owner, t.txn_start ORDER BY t.txn_start, t.pid LIMIT 5
"""


def find(session: Session, tables: Sequence[str]) -> list[LockHolder]:
    """Return other sessions that hold locks on `tables` (`schema.table`). A plain user sees only its own sessions."""
    named = " OR ".join(["(n.nspname = %s AND c.relname = %s)"] * len(tables))
    names = [part for table in tables for part in TableName.parse(table)]
    found = session.rows(_HOLDERS.format(tables=named, age=-LOCK_TIMEOUT * 3 // 2), names)
    return [
        LockHolder(
            f"pid {pid} (user {owner.strip()}, its transaction began at {since:%Y-%m-%d %H:%M:%S} UTC)",
            f"SELECT pg_terminate_backend({pid})",
        )
        for pid, owner, since in found
    ]
