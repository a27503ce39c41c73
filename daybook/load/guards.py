"""Guards: the checks of staged rows before the commit. Each raises its own error, which rolls the load back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from daybook.definitions.table import Table
from daybook.errors import DuplicateKey, NullKey, OutsideInterval, RowCountMismatch, ShrinkGuard
from daybook.ledger.ledger import Entry, latest_covering
from daybook.ledger.table_loss import Loss
from daybook.load.check_runner import Result, require, run_checks
from daybook.load.checksums import LoadChecksums
from daybook.load.extraction.moved_rows import settled_sql
from daybook.load.extraction.source_version import filter_differs
from daybook.load.planning.plan import Plan
from daybook.model.checks import Check
from daybook.model.interval import Interval
from daybook.model.target import Target
from daybook.shell import command
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

if TYPE_CHECKING:
    from daybook.load.staged import Staged


def guard_row_count(table: str, staged: int, copied: int, counted: int) -> None:
    """Check that the row counts of the manifest, of COPY and of the staging table are the same.

    Raises:
        RowCountMismatch: they differ.
    """
    if not staged == copied == counted:
        raise RowCountMismatch(
            f"{table}: row counts differ: the manifest has {staged} rows, COPY reported {copied}, and the table has "
            f"{counted}; nothing was changed. Run it again. If the error persists, another process writes to the stage"
        )


def counted(session: Session, warehouse: Warehouse, target: Target, staged: str) -> tuple[int, int]:
    """Return the number of rows in `staged` (quoted), and how many of them have a NULL in their key, by one scan."""
    missing = " OR ".join(f"{warehouse.quote(name)} IS NULL" for name in target.key) or "FALSE"
    ((rows, without_key),) = session.rows(f"SELECT count(*), count(CASE WHEN {missing} THEN 1 END) FROM {staged}")
    return rows, without_key


def guard_key_not_null(target: Target, count: int) -> None:
    """Check that no staged row has a NULL in its key. `count` is the number of those that have.

    Raises:
        NullKey: some rows have.
    """
    if count:
        raise NullKey(
            f"{target.name}: {count} rows have no key: {', '.join(target.key)} is NULL. Give them a key at the source, "
            "or correct key: in the table file"
        )


def duplicates(session: Session, warehouse: Warehouse, target: Target, staged: str) -> list[str]:
    """Return up to three duplicate keys of staged rows, each as text with its row count; none if keys are unique."""
    if not target.key:
        return []
    keys = ", ".join(warehouse.quote(name) for name in target.key)
    found = session.rows(
        f"SELECT {keys}, count(*) FROM {staged} GROUP BY {keys} HAVING count(*) > 1 ORDER BY {keys} LIMIT 3"
    )
    return [
        ", ".join(f"{name}={_shown(value)}" for name, value in zip(target.key, row, strict=False))
        + f" ({row[-1]} rows)"
        for row in found
    ]


def _shown(value: Any) -> Any:
    """Return a value for a message. A small decimal keeps its digits: 0.0000001, not 1E-7."""
    return format(value, "f") if isinstance(value, Decimal) else value


def guard_key_unique(session: Session, warehouse: Warehouse, target: Target, staged: str) -> None:
    """Check that no two staged rows share a key. Call it if the strategy does not choose between such rows.

    Raises:
        DuplicateKey: rows share a key.
    """
    found = duplicates(session, warehouse, target, staged)
    if found:
        raise DuplicateKey(
            f"{target.name}: rows share a key: {'; '.join(found)}. Remove the duplicates at the source, correct key: "
            "in the table file, or use load: upsert, which keeps the newest"
        )


def guard_interval(table: str, plan: Plan, staged: int, counted: int) -> None:
    """Check that all staged rows are inside the intervals of the plan.

    Raises:
        OutsideInterval: some rows are outside.
    """
    if staged != counted:
        raise OutsideInterval(
            f"{table}: in the warehouse, {staged - counted} of {staged} rows are outside of {plan.label}. Either the "
            f"cursor is not in timezone: {plan.table.timezone}, or its type in the warehouse truncates it. Correct "
            "timezone: or the cursor's type in the table file"
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
    """Stop a load that would leave far fewer rows than the ledger has recorded.

    Strategies that remove no rows are not checked. For an interval, the earlier row count is that of the ledger's
    newest entry. In three cases, it is a count of the interval's rows in the warehouse instead:

    - The entry is a full refresh, which has one row count for all of its intervals.
    - The table's rows move between intervals, and the load is exact: most of the rows that the ledger counted may have
      moved to later intervals since. Rows that the load leaves in place are not counted.
    - The load is a repair, and the interval has rows but no entry in the ledger. The source may not have these rows.

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
            _compare(plan, plan.label, before, staged.rows, limit, entries[-1])
        return
    assert plan.table.grid is not None
    current: dict[Interval, int] | None = None
    for interval, after in staged.counts.items():
        entry = latest_covering(interval, entries)
        if entry is None and not plan.exact:
            continue
        if entry and not moves and entry.is_of(interval):
            before = entry.rows
        else:
            rows = settled_sql(warehouse, target, table, staged.later) if staged.later else table
            current = current or tally.counts(rows, plan.intervals)
            before = current[interval]
        _compare(plan, plan.table.grid.label(interval), before, after, limit, entry)


def forgets_loss(plan: Plan, loss: Loss | None) -> bool:
    """Return True if the table has lost rows, and after this load, the ledger's earlier entries no longer count.

    Raises:
        ShrinkGuard: the load would bring back only a part of the rows.
    """
    if loss is None:
        return False
    refilled = plan.whole or plan.refill or loss.all_within(plan.stretches)
    if plan.allow_shrink and not refilled:
        return not loss.left
    guard_loss(plan.table, plan.label, loss, refilled=refilled)
    return True


def guard_loss(table: Table, label: str, loss: Loss, *, refilled: bool) -> None:
    """Stop a load into a table that has lost rows, unless it is `refilled`.

    Raises:
        ShrinkGuard: it is not.
    """
    grid = table.grid
    if refilled or grid is None:
        return
    last = max(entry.end for entry in loss.claims)
    start = grid.label(grid.containing(loss.since)) if loss.since else "START"
    end = grid.until(grid.containing(last - timedelta.resolution)) if loss.since else "END"
    raise ShrinkGuard(
        f"{table.name} {label}: the table is not as the last load left it: {loss}. This load would bring back only a "
        "part; nothing was changed. If the table can be restored or renamed back, do that. Otherwise, load all of it "
        f"again: `{command('daybook', 'load', table.name, '--full-refresh')}`, or `daybook backfill DEPLOYMENT "
        f"{start} {end} --select all` with the deployment that loads it. If the rows are gone on purpose, load once "
        "with allow_shrink=true"
    )


def guard_deletions(session: Session, plan: Plan, table: str, removed: int) -> None:
    """Check that deletions at the source have not removed most of the table.

    `removed` is the number of rows that this transaction has just deleted from `table` (quoted).

    Raises:
        ShrinkGuard: less than `shrink_limit` of the rows would be left.
    """
    limit = plan.table.shrink_limit
    if plan.allow_shrink or not limit or not removed:
        return
    left = session.one(f"SELECT count(*) FROM {table}")
    if left < (left + removed) * limit:
        raise ShrinkGuard(
            f"{plan.table.name} {plan.label}: {plan.table.deleted} marks {removed} of {left + removed} rows as deleted "
            f"at the source. A load must leave at least {limit:.0%} of the rows; nothing was changed. If the rows are "
            "really deleted, run it once with allow_shrink=true. If the column means something else, correct deleted: "
            "in the table file"
        )


def guard_checks(session: Session, warehouse: Warehouse, plan: Plan, before: Mapping[Check, Any]) -> tuple[Result, ...]:
    """Run the table file's `checks` on the table as it is about to be committed, and return their results.

    `before` is the result of `measure` from before the change.

    Raises:
        CheckFailed: a check of severity `fail` failed.
        TableFileError: the SQL of a check is wrong.
    """
    results = run_checks(session, warehouse, plan.table.checks, plan.table.name, before=before)
    what = f"{plan.table.name} {plan.label}"
    return require(results, what, "Fix the rows at the source, or the check in the table file")


def _compare(plan: Plan, label: str, before: int, after: int, limit: float, entry: Entry | None) -> None:
    if after < before * limit:
        raise ShrinkGuard(
            f"{plan.table.name} {label}: the source has {after} rows, but {_rows_before(plan, before, entry)}. "
            f"A load must leave at least {limit:.0%} of the rows; nothing was changed. If the rows are really gone, "
            "run it once with allow_shrink=true. To change the limit, set shrink_limit: in the table file"
        )


def _rows_before(plan: Plan, before: int, entry: Entry | None) -> str:
    if entry is None:
        return f"the warehouse has {before} rows that no load put there"
    differs = filter_differs(plan.table, entry.version)
    by = ", which had another where: or query: than the table file has now" if differs else ""
    return f"there were {before} after the last load ({entry.loaded_at:%Y-%m-%d %H:%M} UTC{by})"
