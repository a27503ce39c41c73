"""Check in the ledger whether the data that an incident waits for is loaded."""

from collections.abc import Sequence
from datetime import datetime

from daybook.ledger.ledger import Ledger
from daybook.model.interval import Interval, merged
from daybook.monitoring.incidents.incident import RecoveryCondition
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


def recovered_at(session: Session, warehouse: Warehouse, awaits: Sequence[RecoveryCondition]) -> datetime | None:
    """Return when the last of the awaited data was committed, or None while any of it is missing."""
    moments = [_committed(session, warehouse, awaited) for awaited in awaits]
    found = [moment for moment in moments if moment is not None]
    return max(found) if found and len(found) == len(moments) else None


def _committed(session: Session, warehouse: Warehouse, awaited: RecoveryCondition) -> datetime | None:
    since = Ledger(warehouse).since(session, awaited.table, awaited.after)
    entries = [entry for entry in since if not entry.is_closing]
    if not entries:
        return None
    last = max(entry.loaded_at for entry in entries)
    if awaited.start is None or awaited.end is None:
        return last
    wanted = Interval(awaited.start, awaited.end)
    if any(entry.covers(wanted) for entry in entries):
        return min(entry.loaded_at for entry in entries if entry.covers(wanted))
    # A range that failed in one run may have been loaded in pieces since.
    pieces = merged(Interval(entry.start, entry.end) for entry in entries if entry.start)
    return last if any(piece.contains(wanted) for piece in pieces) else None
