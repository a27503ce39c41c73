"""Concurrent loads of one table: an older snapshot never replaces a newer one.

Two runs, such as a backfill and the daily run, may read the same table at the same time and commit in the other order.
The ledger shows which intervals another run loaded from a newer snapshot. Those stay, and the rest is loaded.
"""

from collections.abc import Sequence

from daybook.errors import Superseded
from daybook.ledger.ledger import Entry, Ledger, latest_covering
from daybook.load.extraction.extract import Extracted
from daybook.load.planning.plan import Plan
from daybook.model.interval import Interval
from daybook.model.target import Target
from daybook.strategies.staged_rows import same_key_sql
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


def newer_entries(ledger: Ledger, session: Session, extracted: Extracted) -> list[Entry]:
    """Return the entries that other runs committed during the extraction, from a newer snapshot.

    Call it under the table's lock.
    """
    since = ledger.since(session, extracted.plan.table.name, extracted.began_at)
    return [entry for entry in since if entry.snapshot_at > extracted.snapshot_at]


def superseded_intervals(plan: Plan, newer: Sequence[Entry]) -> dict[Interval, Entry]:
    """Return the intervals of the plan that another run loaded from a newer snapshot, each with that run's entry."""
    found = {interval: latest_covering(interval, newer) for interval in plan.intervals}
    return {interval: entry for interval, entry in found.items() if entry is not None}


def newer_full_refresh(plan: Plan, newer: Sequence[Entry]) -> Entry | None:
    """Return the entry of a newer full refresh, or None. The plan is a full refresh, too.

    Raises:
        Superseded: another run loaded intervals from a newer snapshot. A mix of both snapshots could have a row that
            moved between intervals twice or not at all.
    """
    refreshes = [entry for entry in newer if entry.is_full_refresh or entry.is_confirmation]
    if newer and not refreshes:
        raise _superseded(plan, newer, "a part of it")
    return max(refreshes, key=lambda entry: entry.loaded_at, default=None)


def refuse_if_newer(plan: Plan, newer: Sequence[Entry]) -> None:
    """Refuse a load that applies deletions if another run loaded a part of the table from a newer snapshot.

    Raises:
        Superseded: the newer load may have deleted a row that this older snapshot still has. The table keeps no trace
            of deleted rows, so this load could bring the row back.
    """
    if newer:
        raise _superseded(plan, newer, "another part of the table")


def _superseded(plan: Plan, newer: Sequence[Entry], what: str) -> Superseded:
    return Superseded(
        f"{plan.table.name} {plan.label}: another run loaded {what} at {newer[-1].loaded_at:%Y-%m-%d %H:%M:%S} UTC "
        "from a newer snapshot, while this run was extracting; nothing was changed. Run it again. If other loads "
        "always commit before this one, pause their schedule until it is done"
    )


def drop_superseded_rows(
    session: Session, warehouse: Warehouse, target: Target, table: str, staged: str, newer: Sequence[Entry]
) -> None:
    """Delete the staged rows that `newer` loads have replaced.

    These are the rows whose cursor is in an interval of those loads, and the rows whose key the table has there.
    """
    assert target.cursor is not None
    taken = [Interval(entry.start, entry.end) for entry in newer if entry.start is not None]
    column = warehouse.quote(target.cursor.column)
    scope, bounds = target.cursor.within_sql(column, taken)
    session.run(f"DELETE FROM {staged} WHERE {scope}", bounds)
    if target.key:
        scope, bounds = target.cursor.within_sql(f"{table}.{column}", taken)
        key = same_key_sql(warehouse, target, table, staged)
        session.run(f"DELETE FROM {staged} USING {table} WHERE {key} AND {scope}", bounds)
