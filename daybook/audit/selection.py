"""Which intervals an audit looks at."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from daybook.audit.comparison import require_database
from daybook.definitions.table import Table
from daybook.errors import AuditRefused, BackfillRefused
from daybook.load.owed_intervals import expected_in_range
from daybook.model.interval import Interval
from daybook.model.interval_grid import parse


def intervals_of(
    table: Table, start: date | datetime | None = None, end: date | datetime | None = None, last: int | None = None
) -> Sequence[Interval]:
    """The intervals of `table` from `start` (inclusive) to `end` (exclusive), in order.

    Both are as in `Grid.at`. Left out, they are the table's `start` and the end of the newest interval that is over;
    with `last`, it is the newest so many, but none before the table's `start`.

    Raises:
        AuditRefused: the source is no database, the table has no intervals, nothing says where to begin, the range is
            empty, off the grid, not over yet or before the table's `start`; each with what to type instead.
    """
    require_database(table)
    grid = table.load_grid
    if grid is None:
        raise AuditRefused(
            f"{table.name} has load: {table.load}: it is always loaded whole, and has no intervals to compare. "
            + ("Compare it by ranges of its key: whole=true" if table.key else "Nor has it a key to compare it by")
        )
    if last is not None and (start is not None or end is not None):
        raise AuditRefused(f"{table.name}: last={last} takes the newest intervals: leave start and end out, or last")
    newest = grid.last_complete(datetime.now(UTC))
    if table.start is not None and newest.start < grid.first(table.start).start:
        raise AuditRefused(f"{table.name}: nothing is over yet: it starts on {table.start}")
    if last is not None:
        intervals = [newest]
        earliest = grid.first(table.start).start if table.start is not None else None
        while len(intervals) < last and intervals[0].start != earliest:
            intervals.insert(0, grid.previous(intervals[0]))
        return intervals
    if start is None and table.start is None:
        raise AuditRefused(f"{table.name}: its file has no start: say where to begin, by start or last")
    try:
        first = start if start is not None else parse(grid.label(grid.first(table.start or newest.start)))
        until = end if end is not None else parse(grid.until(newest))
        found = expected_in_range(table, first, until, allow_before_start=True)
    except BackfillRefused as error:
        raise AuditRefused(str(error)) from None
    if table.start is not None and found[0].start < (owed := grid.first(table.start)).start:
        raise AuditRefused(
            f"{table.name}: {grid.label(found[0])} is before the table's start, {grid.label(owed)}: begin there"
        )
    return found
