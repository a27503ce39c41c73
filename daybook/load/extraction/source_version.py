"""Skip a full load if its source has not changed: the ledger keeps the version of the source that was loaded."""

import hashlib

from daybook.definitions.layouts import LAYOUT_FIELDS
from daybook.definitions.table import Table
from daybook.ledger.ledger import Entry, Ledger
from daybook.ledger.table_loss import compare
from daybook.load.planning.plan import Plan
from daybook.sources.base import Source, Versioned
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: The beginning of the version of a load of some rows of a database.
_FILTER = "filter "


def version_of(plan: Plan, source: Source) -> str | None:
    """Return the version that the ledger keeps of a full load: the table file's fingerprint and the source's version.

    It has the fingerprint because a changed table file makes another table of the same source. The result is None for
    loads of intervals, and for sources without versions. For a source with a filter, it is `filter_version`.
    """
    if plan.table.source.filter is not None:
        return filter_version(plan.table)
    return f"{_fingerprint(plan.table)} {source.version}" if plan.whole and isinstance(source, Versioned) else None


def filter_version(table: Table) -> str | None:
    """Return the version that the ledger keeps of a load of some rows of a database; None for all of its rows."""
    text = table.source.filter
    return None if text is None else f"{_FILTER}{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def filter_differs(table: Table, version: str | None) -> bool:
    """Return True if a load with this version of the ledger had another `where:` or `query:` than `table` has now.

    Versions of other kinds say nothing about it.
    """
    before = version if version and version.startswith(_FILTER) else None
    return (before is not None or version is None) and before != filter_version(table)


def unchanged(plan: Plan, source: Source, warehouse: Warehouse, session: Session) -> Entry | None:
    """Return the newest entry of the table if the source reports no change since then, or None.

    It is None, too, if the table in the warehouse was dropped, replaced or emptied.
    """
    if plan.forced or not plan.whole or not isinstance(source, Versioned):
        return None
    table = plan.table
    if not warehouse.exists(session, table.name) or compare(session, warehouse, table.name, table.shrink_limit).loss:
        return None
    entries = Ledger(warehouse).newest(session, plan.table.name)
    fingerprint, _, version = ((entries[-1].version if entries else None) or "").partition(" ")
    return entries[-1] if fingerprint == _fingerprint(plan.table) and source.is_still(version) else None


def _fingerprint(table: Table) -> str:
    """Return a hash of the fields that decide the rows of the table."""
    content = table.model_dump_json(exclude={"name", "description", "owner", "due", "catch_up", *LAYOUT_FIELDS})
    return hashlib.sha256(content.encode()).hexdigest()[:16]
