"""A half-open interval of time, the unit in which runs load and the ledger records."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from daybook.errors import IntervalError


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The half-open interval `[start, end)`.

    Takes two aware datetimes in any time zone and keeps them in UTC, so that two intervals are equal if and only if
    they cover the same time. Intervals sort by start, then end.

    Raises:
        IntervalError: a datetime has no time zone, or the interval is empty or ends before it starts.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value: datetime = getattr(self, name)
            if value.tzinfo is UTC:
                continue  # a shortcut for the grid, which creates tens of thousands of intervals, all in UTC
            if value.utcoffset() is None:
                raise IntervalError(
                    f"The {name} of an interval must be an instant, but {value.isoformat()} has no time zone: "
                    f"add one, such as {value.isoformat()}+00:00."
                )
            object.__setattr__(self, name, value.astimezone(UTC))
        if self.start >= self.end:
            raise IntervalError(
                f"An interval must end after it starts, but {_utc(self.end)} is not after {_utc(self.start)}: "
                "the start is inclusive and the end is exclusive."
            )

    def __str__(self) -> str:
        """Return both ends in UTC as an ISO 8601 interval: `2021-02-05T00:00Z/2021-02-06T00:00Z`."""
        return f"{_utc(self.start)}/{_utc(self.end)}"

    def contains(self, other: "Interval") -> bool:
        """Return True if this interval contains all of `other`."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Interval") -> bool:
        """Return True if the two intervals share any time. Adjacent intervals do not, since an end is exclusive."""
        return self.start < other.end and other.start < self.end


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the fewest intervals that cover the same time, in order. Adjacent and overlapping intervals become one."""
    result: list[Interval] = []
    for interval in sorted(intervals):
        if result and interval.start <= result[-1].end:
            last = result.pop()
            interval = Interval(last.start, max(last.end, interval.end))
        result.append(interval)
    return result


def _utc(instant: datetime) -> str:
    """Return an exact ISO 8601 time, with seconds and microseconds only if they are not zero."""
    exact = instant.second or instant.microsecond
    return instant.replace(tzinfo=None).isoformat(timespec="auto" if exact else "minutes") + "Z"


#: Adjacent intervals, in order.
IntervalRun = tuple[Interval, ...]


def coalesce(intervals: Sequence[Interval], most: int) -> list[IntervalRun]:
    """Group sorted intervals into runs of at most `most` adjacent ones. Longer runs are split evenly."""
    gaps = [index for index, (one, other) in enumerate(pairwise(intervals), 1) if one.end != other.start]
    edges = [0, *gaps, len(intervals)]
    runs: list[IntervalRun] = []
    for first, last in pairwise(edges):
        pieces = math.ceil((last - first) / most)
        cuts = [first + (last - first) * piece // pieces for piece in range(pieces + 1)] if pieces else []
        runs += [tuple(intervals[start:end]) for start, end in pairwise(cuts)]
    return runs
