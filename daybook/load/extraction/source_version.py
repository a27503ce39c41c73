"""A whole load of what has not changed reads nothing: how a file's version is kept in the ledger, and known again."""

import hashlib

from daybook.definitions.table import Table
from daybook.ledger.ledger import Entry, Ledger
from daybook.load.planning.plan import Plan
from daybook.sources.base import Source, Versioned
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


def version_of(plan: Plan, source: Source) -> str | None:
    """Return what the ledger keeps of a whole load: the table file's fingerprint and the source's version.

    The fingerprint is part of it because another table file makes another table of the same source. It is None for
    loads of intervals, and for sources without versions.
    """
    return f"{_fingerprint(plan.table)} {source.version}" if plan.whole and isinstance(source, Versioned) else None


def unchanged(plan: Plan, source: Source, warehouse: Warehouse, session: Session) -> Entry | None:
    """Return the newest entry of the table if the source says that it has not changed since; else None."""
    if plan.forced or not plan.whole or not isinstance(source, Versioned):
        return None
    if not warehouse.existing_columns(session, plan.table.name):
        return None  # somebody has dropped the table
    entries = Ledger(warehouse).newest(session, plan.table.name)
    fingerprint, _, version = ((entries[-1].version if entries else None) or "").partition(" ")
    return entries[-1] if fingerprint == _fingerprint(plan.table) and source.is_still(version) else None


def _fingerprint(table: Table) -> str:
    said = table.model_dump_json(exclude={"name", "description", "owner", "due", "catch_up"})
    return hashlib.sha256(said.encode()).hexdigest()[:16]
