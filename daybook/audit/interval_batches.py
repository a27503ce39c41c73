"""Split the intervals of an audit into batches of about the same row count. One statement reads one batch."""

from collections.abc import Iterator, Sequence

from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval

#: The rows that one statement compares. A slow server, at 20,000 rows a second, needs two minutes for them.
ROWS = 2_500_000
_MAX_INTERVALS = 400  # intervals in one query
_INTERVALS_UNKNOWN = 100  # intervals in one query if their row counts are unknown


def batches(intervals: Sequence[Interval], entries: Sequence[Entry | None], rows: int) -> Iterator[slice]:
    """Yield slices of `intervals` with about `rows` rows each. A large interval is its own slice.

    `entries` are the ledger entries, one per interval. If an interval has no row count of its own, because it was never
    loaded or only together with others, the average of the other intervals is assumed.
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
