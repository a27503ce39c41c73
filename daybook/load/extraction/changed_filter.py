"""Say that `where:` or `query:` has changed since earlier loads: the table still has the rows of the old one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from daybook.ledger.ledger import Entry, Ledger
from daybook.load.extraction.source_version import filter_differs
from daybook.load.planning.plan import Plan
from daybook.model.interval import Interval
from daybook.warehouses.session import Session


def changed_filter(plan: Plan, ledger: Ledger, session: Session, last: str | None) -> Iterator[str]:
    """Yield a notice if the last load of the table had another filter than this one, and other intervals keep its rows.

    Only the first load after the change says so; each audit does. A full refresh replaces all rows.

    Args:
        plan: the plan of this load.
        ledger: the ledger of the warehouse.
        session: the session that holds the table's lock.
        last: the version of the last load, from the ledger.
    """
    grid, stretches = plan.table.grid, plan.stretches
    if grid is None or not stretches or not filter_differs(plan.table, last):
        return
    entries = ledger.newest(session, plan.table.name)
    differing = [entry for entry in _counting(entries) if filter_differs(plan.table, entry.version)]
    stale = [entry for entry in differing if not _within(entry, stretches)]
    if not stale:
        return
    starts = [entry.start for entry in stale if entry.start is not None]
    start = grid.label(grid.containing(min(starts))) if len(starts) == len(stale) else "START"
    until = min(max(entry.end for entry in stale), grid.last_complete(datetime.now(UTC)).end)
    end = grid.until(grid.containing(until - timedelta.resolution))
    yield (
        f"{plan.table.name} {plan.label}: where: or query: in the table file has changed since the last load. The "
        f"ledger has {len(stale):,} {'entries' if len(stale) > 1 else 'entry'} until {end} with the old one, so the "
        "table still has its rows there. To correct them, run a full refresh, or, with the deployment that loads the "
        f"table: `daybook backfill DEPLOYMENT {start} {end} --select differing --max-repair 1`"
    )


def _counting(entries: list[Entry]) -> list[Entry]:
    """Return the entries since the last full refresh, which replaced those before it."""
    refreshed = max((entry.loaded_at for entry in entries if entry.is_full_refresh), default=None)
    return [entry for entry in entries if refreshed is None or entry.loaded_at >= refreshed]


def _within(entry: Entry, stretches: Sequence[Interval]) -> bool:
    if entry.start is None:
        return False
    loaded = Interval(entry.start, entry.end)
    return any(stretch.contains(loaded) for stretch in stretches)
