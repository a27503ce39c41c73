"""The audit of intervals: compare source, ledger and warehouse, and find the rows that differ."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from daybook.audit.comparison import Comparison
from daybook.audit.interval_batches import ROWS, batches
from daybook.audit.limits import explained, require_hashes
from daybook.audit.rounds import OVERTAKEN, in_rounds
from daybook.audit.row_diff import NOTHING, Differences, differences, estimate
from daybook.audit.verdict import IN_PARTS, Verdict, classify, is_loaded, ledger_checksum
from daybook.definitions.table import Table
from daybook.errors import AuditRefused
from daybook.ledger.interval_status import first_covering
from daybook.ledger.ledger import Entry
from daybook.load.extraction.source_version import filter_version
from daybook.model.interval import Interval, merged
from daybook.sources.base import ConnectionProvider
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.sums import Sum
from daybook.warehouses.base import Warehouse

#: The time limit of a statement in the source, in seconds.
SECONDS = 300
#: The number of differing intervals whose rows are compared. If a whole history differs, comparing all takes too long.
MAX_DIFFED_INTERVALS = 200
#: The remark on an interval with rows that no longer match, or that match now.
OTHER_FILTER = "it was loaded with another where: or query: than the table file has now"
#: The start of a ledger entry for a full refresh of a table without a `start`.
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Audited:
    """The result for one interval: the verdict, its three sides, and the rows that differ."""

    interval: Interval
    verdict: Verdict
    source: Sum
    ledger: Entry | None
    """The newest ledger entry. It can cover other intervals, too. None: the interval was never loaded."""
    warehouse: Sum
    recipe: ComparedColumns
    """The columns that were compared, and those that were not."""
    differences: Differences = NOTHING
    why: str | None = None
    """A remark on the verdict."""
    in_parts: bool = False
    """True if the ledger has no entry for the whole interval, only for parts of it."""

    @property
    def rows_by_ledger(self) -> int | None:
        """Return the row count of the last load: 0 if there was none, None if the ledger only has a combined count."""
        if self.ledger is None:
            return None if self.in_parts else 0
        return self.ledger.rows if self.ledger.is_of(self.interval) else None


def audit(
    table: Table,
    intervals: Sequence[Interval],
    warehouse: Warehouse,
    keys: ConnectionProvider,
    *,
    look: int = MAX_DIFFED_INTERVALS,
    rows: int = ROWS,
    seconds: int = SECONDS,
) -> list[Audited]:
    """Compare intervals of a table with the source and with the ledger.

    The audit reads both sides at the same time, each in one snapshot, and takes no explicit locks. If a load commits
    during the audit, the audit repeats the comparison for the intervals that the load may have changed.

    For an upsert, rows that moved in the source to a later interval, which is not loaded yet, are left out: see
    `daybook.load.extraction.moved_rows`. Rows without a cursor belong to no interval.

    Args:
        table: the table.
        intervals: the intervals, in order, without overlaps.
        warehouse: the warehouse with the table and the ledger.
        keys: opens the source.
        look: the number of differing intervals whose rows are compared. The results of the others are lower bounds.
        rows: the number of rows that one statement should compare.
        seconds: the time limit of one statement in the source.

    Raises:
        AuditRefused: the source is not a database, the table has no intervals, or a statement took too long.
        SourceError: the source does not match the table file.
        AuditFailed: a database failed on every attempt.
    """
    if not table.strategy.has_intervals or table.cursor is None:
        raise AuditRefused(
            f"{table.name} has load: {table.load} and no intervals, so it can only be compared whole, by ranges of its "
            "key: use whole=true (audit_whole)"
        )

    def work(sides: Comparison, left: Sequence[Interval]) -> list[Audited]:
        return _compared(sides, left, look, rows, seconds)

    def settled(found: Audited, late: Sequence[Entry]) -> bool:
        return found.verdict == Verdict.EQUAL and not _overlaps(found.interval, late)

    label = f"{table.name} {table.label([intervals[0], intervals[-1]])}" if intervals else table.name
    results = in_rounds(table, intervals, warehouse, keys, seconds, work, settled, label)
    return [found if sure else replace(found, why=OVERTAKEN) for found, sure in results]


def _compared(sides: Comparison, intervals: Sequence[Interval], look: int, rows: int, seconds: int) -> list[Audited]:
    """Return the results for these intervals."""
    newest = sides.entries(Interval(intervals[0].start, intervals[-1].end))[::-1]
    covering = first_covering(intervals, [(entry.start, entry.end) for entry in newest], newest)
    entries = sides.entries_per_interval(list(zip(intervals, covering, strict=True)))
    spans = [(entry.start or _BEGINNING, entry.end) for entry in newest]
    loaded = merged(Interval(start, end) for start, end in spans if start < end)
    results = list[Audited]()
    for cut in batches(intervals, entries, rows):
        part = intervals[cut]
        with _explained(sides.table, part, seconds):
            sources, warehouses = sides.both.ask(lambda side, part=part: side.sums(part))  # type: ignore[misc]
        for interval, entry in zip(part, entries[cut], strict=True):
            results.append(_judged(sides, interval, entry, loaded, sources[interval], warehouses[interval]))
    differing = [result for result in results if result.source != result.warehouse and not _is_missing(result)]
    for cut in batches([one.interval for one in differing], [one.ledger for one in differing], rows):
        with _explained(sides.table, part := [one.interval for one in differing[cut]], seconds):
            require_hashes(sides.table.name, sides.both, part)
    closely = {one.interval for one in differing[:look]}
    return [_looked_at(sides, result, seconds) if result.interval in closely else result for result in results]


def _judged(
    sides: Comparison, interval: Interval, entry: Entry | None, ranges: Sequence[Interval], source: Sum, warehouse: Sum
) -> Audited:
    """Return the verdict. `entry` is the ledger's entry for all of the interval, `ranges` are all loaded ranges."""
    ledger, unknown = ledger_checksum(entry, interval, sides.recipe.fingerprint) if entry else (None, IN_PARTS)
    loaded = is_loaded(interval, ranges)
    strategy = sides.table.strategy
    moves, kept = strategy.rows_move, not strategy.removes_rows
    verdict, why = classify(source, ledger, warehouse, loaded=loaded, moves=moves, kept=kept)
    why = unknown if verdict == Verdict.DIFFERS and unknown else why
    if verdict == Verdict.BOTH and sides.with_moved and sides.with_moved.sums([interval])[interval] == ledger:
        verdict, why = Verdict.SOURCE_CHANGED, None  # rows moved to later intervals, but the ledger still counts them
    if entry and verdict.is_difference and entry.version != filter_version(sides.table):
        why = OTHER_FILTER
    in_parts = entry is None and loaded is not False
    bounds = estimate(source, warehouse)
    return Audited(interval, verdict, source, entry, warehouse, sides.recipe, bounds, why, in_parts)


def _is_missing(found: Audited) -> bool:
    return found.verdict == Verdict.NEVER_LOADED and not found.warehouse.rows


def _looked_at(sides: Comparison, found: Audited, seconds: int) -> Audited:
    with _explained(sides.table, [found.interval], seconds):
        exact = differences(sides.both, found.interval, found.source, found.warehouse)
    # The remark on rows that a load keeps applies only if the warehouse has such rows.
    nothing_left = found.ledger is not None and found.verdict == Verdict.WAREHOUSE_ALTERED and not exact.removed
    return replace(found, differences=exact, why=None if nothing_left else found.why)


def _explained(table: Table, intervals: Sequence[Interval], seconds: int) -> AbstractContextManager[None]:
    fewer = f"Compare fewer at once (last={len(intervals) // 4 or 1}, or start and end), or add" * (len(intervals) > 1)
    remedy = f"{fewer or 'Add'} an index on the column {table.cursor}"
    return explained(table.name, table.label([intervals[0], intervals[-1]]), remedy, seconds)


def _overlaps(interval: Interval, entries: Iterable[Entry]) -> bool:
    return any((e.start is None or e.start < interval.end) and interval.start < e.end for e in entries)
