"""Choose the intervals of an audit."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from daybook.audit.comparison import require_database
from daybook.definitions.table import Table
from daybook.errors import AuditRefused, BackfillRefused
from daybook.load.planning.owed_intervals import expected_in_range
from daybook.model.interval import Interval
from daybook.model.interval_grid import parse


def intervals_of(
    table: Table, start: date | datetime | None = None, end: date | datetime | None = None, last: int | None = None
) -> Sequence[Interval]:
    """Return the intervals of `table` from `start` (inclusive) to `end` (exclusive), in order.

    Args:
        table: the table.
        start: the start, as in `Grid.at`. Default: the table's `start`.
        end: the end, as in `Grid.at`. Default: the end of the newest interval that has ended.
        last: the number of newest intervals, instead of a range. Intervals before the table's `start` are left out.

    Raises:
        AuditRefused: the source is not a database, the table has no intervals, or neither `start` nor `last` is given
            for a table without a `start`. Or the range is empty, off the grid, has not ended, or begins before the
            table's `start`. Each error has the value to type instead.
    """
    require_database(table)
    grid = table.load_grid
    if grid is None:
        raise AuditRefused(
            f"{table.name} has load: {table.load}, so each load replaces it whole, and it has no intervals to compare. "
            + (
                "To compare it by ranges of its key, set whole=true"
                if table.key
                else "It has no key to compare it by, either: add key: to the table file, and set whole=true"
            )
        )
    if last is not None and (start is not None or end is not None):
        raise AuditRefused(
            f"{table.name}: last={last} selects the newest intervals: give either last, or start and end"
        )
    newest = grid.last_complete(datetime.now(UTC))
    if table.start is not None and newest.start < grid.first(table.start).start:
        raise AuditRefused(f"{table.name}: no interval has ended yet: the table starts on {table.start}")
    if last is not None:
        intervals = [newest]
        earliest = grid.first(table.start).start if table.start is not None else None
        while len(intervals) < last and intervals[0].start != earliest:
            intervals.insert(0, grid.previous(intervals[0]))
        return intervals
    if start is None and table.start is None:
        raise AuditRefused(f"{table.name}: the table file has no start:, so give start or last")
    try:
        first = start if start is not None else parse(grid.label(grid.first(table.start or newest.start)))
        until = end if end is not None else parse(grid.until(newest))
        found = expected_in_range(table, first, until, allow_before_start=True)
    except BackfillRefused as error:
        raise AuditRefused(str(error)) from None
    if table.start is not None and found[0].start < (begin := grid.first(table.start)).start:
        raise AuditRefused(
            f"{table.name}: {grid.label(found[0])} is before the table's start: begin at {grid.label(begin)}"
        )
    return found
