"""The audit of intervals: source, ledger and warehouse are compared, and what differs is looked at."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from daybook.audit.batches import ROWS, batches
from daybook.audit.comparison import Comparison
from daybook.audit.limits import explained, require_hashes
from daybook.audit.rounds import OVERTAKEN, in_rounds
from daybook.audit.row_diff import NOTHING, Differences, differences, estimate
from daybook.audit.verdict import IN_PARTS, Verdict, classify, is_loaded, ledger_checksum
from daybook.definitions.table import Table
from daybook.errors import AuditRefused
from daybook.ledger.interval_status import first_covering
from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval, merged
from daybook.sources.base import ConnectionProvider
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.sums import Sum
from daybook.warehouses.base import Warehouse

#: Seconds that a statement at the source may take.
SECONDS = 300
#: Intervals that differ in which the rows are looked for. Where all of a history does, that would be all of its rows.
MAX_DIFFED_INTERVALS = 200
#: Where the entry of a whole table begins.
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Audited:
    """What was found of an interval: the verdict, its three sides, and which rows differ."""

    interval: Interval
    verdict: Verdict
    source: Sum
    ledger: Entry | None
    """What was loaded last of it; it may cover other intervals, too. None: it never was."""
    warehouse: Sum
    recipe: ComparedColumns
    """What was compared, and what not."""
    differences: Differences = NOTHING
    why: str | None = None
    """What is to be said about the verdict."""
    in_parts: bool = False
    """Whether the ledger has entries of parts of it, and none of all of it."""

    @property
    def rows_by_ledger(self) -> int | None:
        """How many it had when it was loaded: 0 where it never was; None where no number is that of it alone."""
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
    """Compare intervals of a table, which are in order and do not overlap, with their source and with the ledger.

    Both sides are read at the same time, each in one snapshot: by a statement for every so many `rows`, of which one
    at the source may take `seconds`. Nothing is locked. In the first `look` intervals that differ the rows are looked
    for; of the others is told how many at least. Where a load is committed in between, what it may have changed is
    compared again.

    Of an upsert, rows that have moved on at the source, behind all that was loaded, are left out: see
    `daybook.load.moved_rows`. Rows without a cursor are in no interval.

    Raises:
        AuditRefused: the source is no database, the table has no intervals, or a statement took too long.
        SourceError: the source cannot be read as the table file says.
        AuditFailed: a database failed, again and again.
    """
    if not table.strategy.has_intervals or table.cursor is None:
        raise AuditRefused(
            f"{table.name} has load: {table.load} and no intervals, so it can only be compared whole, by ranges of its "
            "key: whole=true (audit_whole)"
        )

    def work(sides: Comparison, left: Sequence[Interval]) -> list[Audited]:
        return _compared(sides, left, look, rows, seconds)

    def settled(found: Audited, late: Sequence[Entry]) -> bool:
        return found.verdict == Verdict.EQUAL and not _overlaps(found.interval, late)

    results = in_rounds(table, intervals, warehouse, keys, seconds, work, settled)
    return [found if sure else replace(found, why=OVERTAKEN) for found, sure in results]


def _compared(sides: Comparison, intervals: Sequence[Interval], look: int, rows: int, seconds: int) -> list[Audited]:
    """What is found of these intervals."""
    newest = sides.entries(Interval(intervals[0].start, intervals[-1].end))[::-1]
    covering = first_covering(intervals, [(entry.start, entry.end) for entry in newest], newest)
    entries = sides.entries_per_interval(list(zip(intervals, covering, strict=True)))
    spans = [(entry.start or _BEGINNING, entry.end) for entry in newest]
    loaded = merged(Interval(start, end) for start, end in spans if start < end)
    results = list[Audited]()
    for cut in batches(intervals, entries, rows):
        part = intervals[cut]
        with _explained(sides.table, part, seconds):
            source, there = sides.both.ask(lambda side, part=part: side.sums(part))  # type: ignore[misc]
        for interval, entry in zip(part, entries[cut], strict=True):
            results.append(_judged(sides, interval, entry, loaded, source[interval], there[interval]))
    differing = [result for result in results if result.source != result.warehouse and not _is_missing(result)]
    for cut in batches([one.interval for one in differing], [one.ledger for one in differing], rows):
        with _explained(sides.table, part := [one.interval for one in differing[cut]], seconds):
            require_hashes(sides.table.name, sides.both, part)
    closely = {one.interval for one in differing[:look]}
    return [_looked_at(sides, result, seconds) if result.interval in closely else result for result in results]


def _judged(
    sides: Comparison, interval: Interval, entry: Entry | None, stretches: Sequence[Interval], source: Sum, there: Sum
) -> Audited:
    """The verdict: `entry` is the ledger's of all of the interval, and `stretches` is what was loaded around it."""
    ledger, unknown = ledger_checksum(entry, interval, sides.recipe.fingerprint) if entry else (None, IN_PARTS)
    loaded = is_loaded(interval, stretches)
    strategy = sides.table.strategy
    moves, kept = strategy.rows_move, not strategy.removes_rows
    verdict, why = classify(source, ledger, there, loaded=loaded, moves=moves, kept=kept)
    why = unknown if verdict == Verdict.DIFFERS and unknown else why
    if verdict == Verdict.BOTH and sides.with_moved and sides.with_moved.sums([interval])[interval] == ledger:
        verdict, why = Verdict.SOURCE_CHANGED, None  # some of its rows have moved on, which the ledger still counts
    in_parts = entry is None and loaded is not False
    about = estimate(source, there)
    return Audited(interval, verdict, source, entry, there, sides.recipe, about, why, in_parts)


def _is_missing(found: Audited) -> bool:
    return found.verdict == Verdict.NEVER_LOADED and not found.warehouse.rows


def _looked_at(sides: Comparison, found: Audited, seconds: int) -> Audited:
    with _explained(sides.table, [found.interval], seconds):
        there = differences(sides.both, found.interval, found.source, found.warehouse)
    # the remark on rows that a load leaves applies only if there are any
    nothing_left = found.ledger is not None and found.verdict == Verdict.WAREHOUSE_ALTERED and not there.removed
    return replace(found, differences=there, why=None if nothing_left else found.why)


def _explained(table: Table, intervals: Sequence[Interval], seconds: int) -> AbstractContextManager[None]:
    fewer = f"Compare fewer at once (last={len(intervals) // 4 or 1}, or start and end), or give" * (len(intervals) > 1)
    remedy = f"{fewer or 'Give'} the column {table.cursor} an index"
    return explained(table.name, table.label([intervals[0], intervals[-1]]), remedy, seconds)


def _overlaps(interval: Interval, entries: Iterable[Entry]) -> bool:
    return any((e.start is None or e.start < interval.end) and interval.start < e.end for e in entries)
