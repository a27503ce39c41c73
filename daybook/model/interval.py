"""An interval of time: what a run loads, and what one row of the ledger is about."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from daybook.errors import IntervalError


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The half-open stretch of time `[start, end)`.

    Takes two aware datetimes in any time zone and keeps them in UTC, so that two intervals are equal exactly when they
    are the same stretch of time. Sorts by start, then end. Raises `IntervalError` for a datetime without a time zone,
    and for an interval that is empty or ends before it starts.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value: datetime = getattr(self, name)
            if value.tzinfo is UTC:
                continue  # the grid makes them by the ten thousand, all of them in UTC
            if value.utcoffset() is None:
                raise IntervalError(
                    f"The {name} of an interval is an instant, but {value.isoformat()} has no time zone: "
                    f"give it one, such as {value.isoformat()}+00:00."
                )
            object.__setattr__(self, name, value.astimezone(UTC))
        if self.start >= self.end:
            raise IntervalError(
                f"An interval ends after it starts, but {_utc(self.end)} is not after {_utc(self.start)}: "
                "the start is inclusive and the end is exclusive."
            )

    def __str__(self) -> str:
        """Both ends in UTC, as ISO 8601 writes an interval: `2021-02-05T00:00Z/2021-02-06T00:00Z`."""
        return f"{_utc(self.start)}/{_utc(self.end)}"

    def contains(self, other: "Interval") -> bool:
        """Whether all of `other` lies in this interval."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: "Interval") -> bool:
        """Whether the two share any time. Neighbours do not: an end is exclusive."""
        return self.start < other.end and other.start < self.end


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time as as few stretches as can be, in order: neighbours and overlapping intervals become one."""
    stretches: list[Interval] = []
    for interval in sorted(intervals):
        if stretches and interval.start <= stretches[-1].end:
            last = stretches.pop()
            interval = Interval(last.start, max(last.end, interval.end))
        stretches.append(interval)
    return stretches


def _utc(instant: datetime) -> str:
    """As short as it is exact: seconds and microseconds only where there are any."""
    exact = instant.second or instant.microsecond
    return instant.replace(tzinfo=None).isoformat(timespec="auto" if exact else "minutes") + "Z"


IntervalRun = tuple[Interval, ...]


def coalesce(intervals: Sequence[Interval], most: int) -> list[IntervalRun]:
    """Stretches of at most `most` neighbours out of intervals that are in order; long ones are cut evenly."""
    gaps = [index for index, (one, other) in enumerate(pairwise(intervals), 1) if one.end != other.start]
    edges = [0, *gaps, len(intervals)]
    stretches: list[IntervalRun] = []
    for first, last in pairwise(edges):
        pieces = math.ceil((last - first) / most)
        cuts = [first + (last - first) * piece // pieces for piece in range(pieces + 1)] if pieces else []
        stretches += [tuple(intervals[start:end]) for start, end in pairwise(cuts)]
    return stretches
