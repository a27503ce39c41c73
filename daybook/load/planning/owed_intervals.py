"""List the intervals that a table should have: those of a range, and those that are due now."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from daybook.definitions.table import Table
from daybook.errors import BackfillRefused, IntervalError
from daybook.model.interval import Interval, coalesce


def expected_in_range(
    table: Table, start: date | datetime, end: date | datetime, *, allow_before_start: bool = False
) -> Sequence[Interval]:
    """Return the intervals of `table` from `start` (inclusive) to `end` (exclusive), in order.

    `start` and `end` are dates or datetimes in the table's time zone: see `Grid.at`.

    Raises:
        BackfillRefused: the table has no intervals, or the range is empty, inverted, off the grid, not over yet, before
            the table's `start`, or without a session of the exchange. The message says what to pass instead.
    """
    grid = table.load_grid
    if grid is None:
        raise BackfillRefused(f"{table.name} has load: {table.load}: it is always loaded whole and has no intervals")
    try:
        intervals = grid.between(start, end)
        newest = grid.last_complete(datetime.now(UTC))
        first = grid.first(table.start) if table.start is not None else None
    except IntervalError as error:
        raise BackfillRefused(f"{table.name}: {error}") from None
    if intervals[-1].end > newest.end:
        raise BackfillRefused(
            f"{table.name}: the range ends in the future: {grid.label(intervals[-1])} is not over yet. The last "
            f"complete {grid.unit} is {grid.label(newest)}: end the range with {grid.until(newest)}"
        )
    if first and intervals[0].start < first.start and not allow_before_start:
        raise BackfillRefused(
            f"{table.name}: {grid.label(intervals[0])} is before the table's start, {grid.label(first)}: begin the "
            "range there, or set allow_before_start"
        )
    if not with_sessions(table, intervals):
        raise BackfillRefused(
            f"{table.name}: {table.calendar} had no session from {grid.label(intervals[0])} until "
            f"{grid.until(intervals[-1])}, so there is nothing to load: choose a range with a trading day"
        )
    return intervals


def with_sessions(table: Table, intervals: Sequence[Interval]) -> list[Interval]:
    """Return those of the ordered `intervals` for which to start runs.

    Without a `calendar`, these are all of them. With one, intervals without a session are removed from both ends of
    each stretch of neighbours. Those between sessions stay, so that one run can load the whole stretch.
    """
    if table.calendar is None:
        return list(intervals)
    wanted: list[Interval] = []
    for stretch in coalesce(intervals, len(intervals) or 1):
        places = [place for place, interval in enumerate(stretch) if table.expects(interval)]
        if places:
            wanted += stretch[places[0] : places[-1] + 1]
    return wanted


def expected_intervals(table: Table, now: datetime) -> Sequence[Interval]:
    """Return the intervals that `catch_up` considers at `now`, an aware datetime.

    By the table's policy, these are all that are due, only the last one, or none.
    """
    grid, policy = table.grid, table.catch_up_policy
    if grid is None or policy == "none":
        return []
    if policy == "all" and table.start is not None:
        return grid.due(table.start, now)
    latest = grid.last_complete(now)
    while not table.expects(latest):
        latest = grid.previous(latest)
    first = grid.first(table.start) if table.start is not None else latest
    return [latest] if latest.start >= first.start else []
