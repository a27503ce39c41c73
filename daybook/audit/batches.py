"""How many intervals one statement compares: as many as have so many rows, by what the ledger says."""

from collections.abc import Iterator, Sequence

from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval

#: Rows that one statement should compare. A server that takes a whole second for 20,000 needs two minutes.
ROWS = 2_500_000
_MAX_INTERVALS = 400  # intervals in one query
_INTERVALS_UNKNOWN = 100  # intervals in one query if their row counts are unknown


def batches(intervals: Sequence[Interval], entries: Sequence[Entry | None], rows: int) -> Iterator[slice]:
    """Where to cut `intervals`, so that about `rows` (or a single interval's) are compared by one statement.

    `entries` are the ledger's, one an interval. Of one that was never loaded, or together with others, it is taken to
    have as many rows as the others have in the mean.
    """
    known = [_rows(interval, entry) for interval, entry in zip(intervals, entries, strict=True)]
    told = [count for count in known if count is not None]
    usual = sum(told) / len(told) if told else rows / _INTERVALS_UNKNOWN
    first, expected = 0, 0.0
    for place, count in enumerate(known):
        more = usual if count is None else count
        if place > first and (expected + more > rows or place - first == _MAX_INTERVALS):
            yield slice(first, place)
            first, expected = place, 0.0
        expected += more
    if intervals:
        yield slice(first, len(intervals))


def _rows(interval: Interval, entry: Entry | None) -> int | None:
    return entry.rows if entry and entry.is_of(interval) else None
