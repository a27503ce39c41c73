"""An older snapshot never takes the place of a newer one that was committed while it was being extracted.

Two runs may read the same table at the same time and commit in the other order: a backfill and the daily run, for one.
What the ledger says was loaded meanwhile, from a newer moment of the source, stays, and the rest is loaded.
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
    """What was committed of the table while `extracted` was being made, from a newer moment. Ask under the lock."""
    since = ledger.since(session, extracted.plan.table.name, extracted.began_at)
    return [entry for entry in since if entry.snapshot_at > extracted.snapshot_at]


def superseded_intervals(plan: Plan, newer: Sequence[Entry]) -> dict[Interval, Entry]:
    """Which intervals of the plan are overtaken, and by what; none where nothing is newer."""
    found = {interval: latest_covering(interval, newer) for interval in plan.intervals}
    return {interval: entry for interval, entry in found.items() if entry is not None}


def newer_full_refresh(plan: Plan, newer: Sequence[Entry]) -> Entry | None:
    """The entry of a newer full refresh, for a plan that is one too.

    Raises:
        Superseded: intervals were loaded meanwhile: to keep them, and take the rest of the older snapshot, could leave
            a row that moved from one to another twice or not at all.
    """
    refreshes = [entry for entry in newer if entry.start == plan.start and entry.end == entry.snapshot_at]
    if newer and not refreshes:
        raise _superseded(plan, newer, "a part of it")
    return max(refreshes, key=lambda entry: entry.loaded_at, default=None)


def refuse_if_newer(plan: Plan, newer: Sequence[Entry]) -> None:
    """See that nothing newer is there, for a load that applies deletions.

    Raises:
        Superseded: other intervals were loaded meanwhile: a row that was deleted then has left no trace in the table,
            and this older snapshot may still have it.
    """
    if newer:
        raise _superseded(plan, newer, "another part of the table")


def _superseded(plan: Plan, newer: Sequence[Entry], what: str) -> Superseded:
    return Superseded(
        f"{plan.table.name} {plan.label}: {what} was loaded at {newer[-1].loaded_at:%Y-%m-%d %H:%M:%S} UTC from a "
        "newer snapshot, while this run was extracting; nothing was changed. Run it again; if loads come more often "
        "than this one takes, pause their schedule meanwhile"
    )


def drop_superseded_rows(
    session: Session, warehouse: Warehouse, target: Target, table: str, staged: str, newer: Sequence[Entry]
) -> None:
    """Delete the staged rows that `newer` loads have replaced: by their cursor, or by their key if a row has moved."""
    assert target.cursor is not None
    taken = [Interval(entry.start, entry.end) for entry in newer if entry.start is not None]
    column = warehouse.quote(target.cursor.column)
    scope, bounds = target.cursor.within_sql(column, taken)
    session.run(f"DELETE FROM {staged} WHERE {scope}", bounds)
    if target.key:
        scope, bounds = target.cursor.within_sql(f"{table}.{column}", taken)
        key = same_key_sql(warehouse, target, table, staged)
        session.run(f"DELETE FROM {staged} USING {table} WHERE {key} AND {scope}", bounds)
