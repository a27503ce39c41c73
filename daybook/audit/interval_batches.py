"""Split the intervals of an audit into batches of about the same row count, by the ledger. One statement reads each."""

from collections.abc import Iterator, Sequence

from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval

#: Rows for one statement to compare. A slow server, which compares 20,000 rows a second, needs two minutes for them.
ROWS = 2_500_000
_MAX_INTERVALS = 400  # intervals in one query
_INTERVALS_UNKNOWN = 100  # intervals in one query if their row counts are unknown


def batches(intervals: Sequence[Interval], entries: Sequence[Entry | None], rows: int) -> Iterator[slice]:
    """Yield the slices of `intervals` that have about `rows` rows each. A large interval is a slice of its own.

    `entries` are the ledger's, one per interval. An interval without a row count, because it was never loaded or only
    together with others, counts with the average of the others.
    """
    counts = [_rows(interval, entry) for interval, entry in zip(intervals, entries, strict=True)]
    known = [count for count in counts if count is not None]
    average = sum(known) / len(known) if known else rows / _INTERVALS_UNKNOWN
    first, expected = 0, 0.0
    for place, count in enumerate(counts):
        more = average if count is None else count
        if place > first and (expected + more > rows or place - first == _MAX_INTERVALS):
            yield slice(first, place)
            first, expected = place, 0.0
        expected += more
    if intervals:
        yield slice(first, len(intervals))


def _rows(interval: Interval, entry: Entry | None) -> int | None:
    return entry.rows if entry and entry.is_of(interval) else None
