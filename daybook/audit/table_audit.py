"""The audit of a whole table by ranges of its key: of one without intervals, or of all that was ever loaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from daybook.load.plan import Plan
from daybook.sources.base import ConnectionProvider
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.side import ComparisonPair
from daybook.sql.checksum.sums import Sum
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse

#: Rows of a range, if the keys lie evenly.
ROWS = 100_000
#: Ranges that are compared by one statement at the source.
BATCH = 10


@dataclass(frozen=True, slots=True)
class AuditedRange:
    """What was found of a range of keys: equal, or not, and which rows differ."""

    range: KeyRange
    verdict: Literal[Verdict.EQUAL, Verdict.DIFFERS]
    source: Sum
    warehouse: Sum
    recipe: ComparedColumns
    """What was compared, and what not."""
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
    """Compare all of a table with its source, by ranges of about `rows` keys, `batch` ranges a statement.

    Of a table with intervals, what lies from its `start` to the end of the newest one that was loaded; rows without a
    cursor are not looked at. The ledger says nothing of ranges of keys, so nobody can say which side has changed.

    Raises:
        AuditRefused: the source is no database, the first column of the key is no whole number, the table was never
            loaded, or a statement took too long.
        SourceError, AuditFailed: as `audit`.
    """
    remedy = f"Give the column {', '.join(table.key[:1])} an index"

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
                source, there = both.ask(lambda side, part=part: side.sums(part))  # type: ignore[misc]
                require_hashes(table.name, both, [one for one in part if source[one] != there[one]])
                for one in part:
                    closely = sum(other.verdict is Verdict.DIFFERS for other in found) < look
                    found.append(_found(sides.recipe, both, one, source[one], there[one], closely))
        return found

    def settled(found: AuditedRange, late: Sequence[Entry]) -> bool:
        return found.verdict == Verdict.EQUAL

    cut = with_retries(ranges, what=f"{table.name}: audit", failed=AuditFailed, lost=AuditLost)
    results = in_rounds(table, cut, warehouse, keys, seconds, work, settled)
    return [found if sure else replace(found, why=OVERTAKEN) for found, sure in results]


def _by_key(sides: Comparison) -> ComparisonPair:
    table = sides.table
    if not sides.recipe.key:
        why = "; ".join(sides.recipe.left_out[name] for name in table.key if name in sides.recipe.left_out)
        raise AuditRefused(
            f"{table.name}: a table is compared whole by ranges of its key, and "
            f"{f'its key cannot be compared: {why}' if why else 'it has none. Give it a key: in the table file'}"
        )
    first = sides.recipe.key_fields[0]
    if not whole_numbers(first):
        raise AuditRefused(
            f"{table.name}: a table is compared whole by ranges of its key, whose first column is a whole number; here "
            f"{first.name} is {first.source} at the source and {first.there} in the warehouse"
        )
    if sides.end is None:
        raise AuditRefused(f"{table.name}: it was never loaded, so there is nothing to compare")
    # what a whole load takes of it, as far as intervals were loaded
    since, until = Plan(table, (), whole=True).start, sides.until if table.strategy.has_intervals else None
    return ComparisonPair(
        *(by_key(side, first.name, since, until) for side in (sides.both.source, sides.both.warehouse))
    )


def _found(
    recipe: ComparedColumns, both: ComparisonPair, range: KeyRange, source: Sum, there: Sum, closely: bool
) -> AuditedRange:
    if source == there:
        return AuditedRange(range, Verdict.EQUAL, source, there, recipe)
    found = differences(both, range, source, there) if closely else estimate(source, there)
    return AuditedRange(range, Verdict.DIFFERS, source, there, recipe, found)
