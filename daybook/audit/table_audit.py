"""Audit a whole table by ranges of its key: a table without intervals, or all intervals that were ever loaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from daybook.audit.comparison import Comparison, open_comparison
from daybook.audit.interval_audit import MAX_DIFFED_INTERVALS, SECONDS
from daybook.audit.key_ranges import KeyRange, by_key, ends_of, evenly, whole_numbers
from daybook.audit.limits import explained, require_hashes
from daybook.audit.rounds import OVERTAKEN, in_rounds
from daybook.audit.row_diff import NOTHING, Differences, differences, estimate
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import AuditFailed, AuditLost, AuditRefused
from daybook.ledger.ledger import Entry
from daybook.sources.base import ConnectionProvider
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.side import ComparisonPair
from daybook.sql.checksum.sums import Sum
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse

#: The rows of a range, if the keys are evenly spread.
ROWS = 100_000
#: The ranges that one statement compares.
BATCH = 10


@dataclass(frozen=True, slots=True)
class AuditedRange:
    """The result for a range of keys: equal or not, and the rows that differ."""

    range: KeyRange
    verdict: Literal[Verdict.EQUAL, Verdict.DIFFERS]
    source: Sum
    warehouse: Sum
    recipe: ComparedColumns
    """The columns that were compared, and those that were not."""
    differences: Differences = NOTHING
    why: str | None = None


def audit_whole(
    table: Table,
    warehouse: Warehouse,
    keys: ConnectionProvider,
    *,
    look: int = MAX_DIFFED_INTERVALS,
    rows: int = ROWS,
    batch: int = BATCH,
    seconds: int = SECONDS,
) -> list[AuditedRange]:
    """Compare a whole table with its source by ranges of its key.

    For a table with intervals, it compares the rows up to the end of the newest loaded interval, without rows that have
    no cursor. It begins at `start`, unless a full refresh has loaded older rows, too. The ledger has no checksums of
    key ranges, so the result does not show which side changed.

    Args:
        table: the table.
        warehouse: the warehouse.
        keys: opens the source.
        look: the number of differing ranges whose rows are compared. The results of the others are lower bounds.
        rows: the number of rows of a range.
        batch: the number of ranges that one statement compares.
        seconds: the time limit of one statement in the source.

    Raises:
        AuditRefused: the source is not a database, the first column of the key is not an integer, the table was never
            loaded, or a statement took too long.
        SourceError, AuditFailed: as in `audit`.
    """
    remedy = f"Add an index on the column {', '.join(table.key[:1])}"

    def ranges() -> list[KeyRange]:
        with open_comparison(table, warehouse, keys, seconds) as sides:
            both = _by_key(sides)
            with explained(table.name, "the ends of its key", remedy, seconds):
                least_and_most = both.ask(ends_of)
            return evenly([ends for ends in least_and_most if ends], rows)

    def work(sides: Comparison, left: Sequence[KeyRange]) -> list[AuditedRange]:
        both, found = _by_key(sides), list[AuditedRange]()
        for first in range(0, len(left), batch):
            part = left[first : first + batch]
            what = f"{table.key[0]} from {part[0].start} until {part[-1].end}"
            with explained(table.name, what, remedy, seconds):
                sources, warehouses = both.ask(lambda side, part=part: side.sums(part))  # type: ignore[misc]
                require_hashes(table.name, both, [one for one in part if sources[one] != warehouses[one]])
                for one in part:
                    closely = sum(other.verdict is Verdict.DIFFERS for other in found) < look
                    found.append(_found(sides.recipe, both, one, sources[one], warehouses[one], closely))
        return found

    def settled(found: AuditedRange, late: Sequence[Entry]) -> bool:
        return found.verdict == Verdict.EQUAL

    cut = with_retries(ranges, what=f"{table.name}: audit", failed=AuditFailed, lost=AuditLost)
    results = in_rounds(table, cut, warehouse, keys, seconds, work, settled, table.name)
    return [found if sure else replace(found, why=OVERTAKEN) for found, sure in results]


def _by_key(sides: Comparison) -> ComparisonPair:
    table = sides.table
    if not sides.recipe.key:
        why = "; ".join(sides.recipe.left_out[name] for name in table.key if name in sides.recipe.left_out)
        raise AuditRefused(
            f"{table.name}: a whole table is compared by ranges of its key, but "
            f"{f'its key cannot be compared: {why}' if why else 'it has no key: add key: to the table file'}"
        )
    first = sides.recipe.key_fields[0]
    if not whole_numbers(first):
        raise AuditRefused(
            f"{table.name}: a whole table is compared by ranges of the first column of its key, which must be an "
            f"integer, but {first.name} is {first.source} in the source and {first.there} in the warehouse"
        )
    if sides.end is None:
        raise AuditRefused(f"{table.name}: it was never loaded, so there is nothing to compare: load it first")
    since, until = _since(sides), sides.until if table.strategy.has_intervals else None
    return ComparisonPair(
        *(by_key(side, first.name, since, until) for side in (sides.both.source, sides.both.warehouse))
    )


def _since(sides: Comparison) -> datetime | None:
    """Return the start of the loaded rows: None, if a full refresh has loaded all that the source had."""
    table = sides.table
    if table.grid is None or table.start is None or table.cursor is None or not table.strategy.has_intervals:
        return None
    begin = table.grid.first(table.start)
    # The full refreshes of older versions of Daybook, which began at `start`, have no `table_rows`.
    refreshed = [entry for entry in sides.entries(begin) if entry.is_full_refresh and entry.table_rows is not None]
    return None if refreshed else begin.start


def _found(
    recipe: ComparedColumns, both: ComparisonPair, range: KeyRange, source: Sum, warehouse: Sum, closely: bool
) -> AuditedRange:
    if source == warehouse:
        return AuditedRange(range, Verdict.EQUAL, source, warehouse, recipe)
    found = differences(both, range, source, warehouse) if closely else estimate(source, warehouse)
    return AuditedRange(range, Verdict.DIFFERS, source, warehouse, recipe, found)
