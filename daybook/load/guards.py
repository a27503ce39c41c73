"""The checks between staged rows and the commit. Each raises its own error, and the transaction rolls back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from daybook.errors import DuplicateKey, NullKey, OutsideInterval, RowCountMismatch, ShrinkGuard
from daybook.ledger.ledger import Entry, latest_covering
from daybook.load.check_runner import Result, require, run_checks
from daybook.load.checksums import LoadChecksums
from daybook.load.extraction.moved_rows import settled_sql
from daybook.load.planning.plan import Plan
from daybook.model.checks import Check
from daybook.model.interval import Interval
from daybook.model.target import Target
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

if TYPE_CHECKING:
    from daybook.load.staged import Staged


def guard_row_count(table: str, staged: int, copied: int, counted: int) -> None:
    """What the manifest says, what the COPY says and what a count finds must be the same number."""
    if not staged == copied == counted:
        raise RowCountMismatch(
            f"{table}: {staged} rows are in the manifest, COPY took {copied}, and {counted} landed; "
            "nothing was changed. Run it again; if it stays, something writes to the stage besides Daybook"
        )


def without_key(session: Session, warehouse: Warehouse, target: Target, staged: str) -> int:
    """How many rows of `staged` (quoted) have no key, or only a part of one."""
    missing = " OR ".join(f"{warehouse.quote(name)} IS NULL" for name in target.key)
    count: int = session.one(f"SELECT count(*) FROM {staged} WHERE {missing}")
    return count


def guard_key_not_null(session: Session, warehouse: Warehouse, target: Target, staged: str) -> None:
    """No staged row is without its key."""
    count = without_key(session, warehouse, target, staged) if target.key else 0
    if count:
        raise NullKey(
            f"{target.name}: {count} rows have no {', '.join(target.key)}, which is their key. Give them one at the "
            "source, or correct key: in the table file"
        )


def duplicates(session: Session, warehouse: Warehouse, target: Target, staged: str) -> list[str]:
    """Up to three keys that more than one staged row has, as people read them. Empty: every key is there once."""
    if not target.key:
        return []
    keys = ", ".join(warehouse.quote(name) for name in target.key)
    found = session.rows(
        f"SELECT {keys}, count(*) FROM {staged} GROUP BY {keys} HAVING count(*) > 1 ORDER BY {keys} LIMIT 3"
    )
    return [
        ", ".join(f"{name}={value}" for name, value in zip(target.key, row, strict=False)) + f" ({row[-1]} rows)"
        for row in found
    ]


def guard_key_unique(session: Session, warehouse: Warehouse, target: Target, staged: str) -> None:
    """No two staged rows share a key, where the strategy does not choose between them."""
    found = duplicates(session, warehouse, target, staged)
    if found:
        raise DuplicateKey(
            f"{target.name}: rows share a key: {'; '.join(found)}. Remove the duplicates at the source, correct key: "
            "in the table file, or use load: upsert, which keeps the newest"
        )


def guard_interval(table: str, plan: Plan, staged: int, counted: int) -> None:
    """Every staged row lies in the intervals that are being loaded."""
    if staged != counted:
        raise OutsideInterval(
            f"{table}: {staged - counted} of {staged} rows, as the warehouse reads them, do not lie in {plan.label}. "
            f"The cursor means another time zone than timezone: {plan.table.timezone}, or its type cuts it off"
        )


def guard_shrink(
    session: Session,
    warehouse: Warehouse,
    target: Target,
    plan: Plan,
    staged: "Staged",
    tally: LoadChecksums,
    entries: Sequence[Entry],
) -> None:
    """Stop a load that would leave far fewer rows than the ledger says were there.

    A strategy that removes no rows has nothing to stop. For an interval, the ledger's newest entry has the number of
    rows. Three cases count the interval's rows in the warehouse instead:

    - The entry is a full refresh, which has one number for all of its intervals.
    - The table's rows move between intervals, and the load is exact: most of the rows that the ledger counted may have
      moved on to later intervals since. The rows that stay are not counted.
    - A repair finds rows that no load put there. The source may not have them.

    Raises:
        ShrinkGuard: less than `shrink_limit` of the rows would be left.
    """
    limit = plan.table.shrink_limit
    if plan.allow_shrink or not plan.strategy.removes_rows or not limit:
        return
    table, moves = warehouse.table(target.name), plan.table.strategy.rows_move
    if plan.whole:
        if entries:
            whole = [entry.rows for entry in entries if entry.is_full_refresh]
            before = max(session.one(f"SELECT count(*) FROM {table}"), whole[-1] if whole else 0)
            _compare(plan, plan.label, before, staged.rows, limit, entries[-1].loaded_at)
        return
    assert plan.table.grid is not None
    there: dict[Interval, int] | None = None
    for interval, after in staged.counts.items():
        entry = latest_covering(interval, entries)
        if entry is None and not plan.exact:
            continue
        if entry and not moves and entry.is_of(interval):
            before = entry.rows
        else:
            rows = settled_sql(warehouse, target, table, staged.later) if staged.later else table
            there = there or tally.counts(rows, plan.intervals)
            before = there[interval]
        _compare(plan, plan.table.grid.label(interval), before, after, limit, entry.loaded_at if entry else None)


def guard_deletions(session: Session, plan: Plan, table: str, removed: int) -> None:
    """Deletions that are applied do not take most of the table: `removed` rows have just left `table` (quoted)."""
    limit = plan.table.shrink_limit
    if plan.allow_shrink or not limit or not removed:
        return
    left = session.one(f"SELECT count(*) FROM {table}")
    if left < (left + removed) * limit:
        raise ShrinkGuard(
            f"{plan.table.name} {plan.label}: by {plan.table.deleted}, {removed} of {left + removed} rows are deleted "
            f"at the source. A load that leaves less than {limit:.0%} is stopped; nothing was changed. If they are "
            "really deleted, run it once with allow_shrink=true; if the column says something else, correct deleted: "
            "in the table file"
        )


def guard_checks(session: Session, warehouse: Warehouse, plan: Plan, before: Mapping[Check, Any]) -> tuple[Result, ...]:
    """What the table file's `checks` say holds in the table as it is about to be committed.

    `before` is what `checking.measure` returned before it was changed. Returns what each check found.
    """
    results = run_checks(session, warehouse, plan.table.checks, plan.table.name, before=before)
    what = f"{plan.table.name} {plan.label}"
    return require(results, what, "Mend the rows at the source, or the check in the table file")


def _compare(plan: Plan, label: str, before: int, after: int, limit: float, loaded_at: datetime | None) -> None:
    if after < before * limit:
        raise ShrinkGuard(
            f"{plan.table.name} {label}: the source has {after} rows, and {_said(before, loaded_at)}. "
            f"A load that leaves less than {limit:.0%} is stopped; nothing was changed. If the rows are really gone, "
            "run it once with allow_shrink=true; to move the limit, set shrink_limit: in the table file"
        )


def _said(before: int, loaded_at: datetime | None) -> str:
    if loaded_at is None:
        return f"the warehouse has {before} that no load put there"
    return f"by the last load there were {before} ({loaded_at:%Y-%m-%d %H:%M} UTC)"
