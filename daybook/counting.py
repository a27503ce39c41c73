"""How many rows of a table lie in each of many intervals, by few queries: of the source's, a staged or a loaded one."""

from collections.abc import Callable, Sequence
from typing import Any

from daybook.cursors import Cursor
from daybook.interval import Interval

#: Intervals numbered in one query: the statement stays far below every server's limit.
_AT_ONCE = 500

#: Runs a query with its values bound, and returns its rows.
Query = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]


def rows_by_interval(
    query: Query, table: str, column: str, cursor: Cursor, intervals: Sequence[Interval]
) -> dict[Interval, int]:
    """How many rows of `table` lie in each of these neighbouring intervals, in order.

    `table` and `column`, which is the cursor's, are quoted. Every query is a range scan over the cursor.
    """
    counts = dict.fromkeys(intervals, 0)
    for first in range(0, len(intervals), _AT_ONCE):
        batch = intervals[first : first + _AT_ONCE]
        boundaries = [batch[0].start, *(interval.end for interval in batch)]
        bucket, values = cursor.bucket_sql(column, boundaries)
        bounds = [cursor.bound(boundaries[0]), cursor.bound(boundaries[-1])]
        for number, count in query(
            f"SELECT bucket, count(*) FROM (SELECT {bucket} AS bucket FROM {table} "
            f"WHERE {column} >= %s AND {column} < %s) AS numbered GROUP BY bucket",
            [*values, *bounds],
        ):
            counts[batch[int(number)]] = count
    return counts
