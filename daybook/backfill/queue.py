"""The queue of a backfill. Each item has the intervals that one flow run loads.

If the deployment's flow takes scattered intervals, they may have gaps. Otherwise, they are neighbours.

An item that fails is bisected until each failing interval is isolated, as in binary splitting for group testing. If the
first half loads, the fault is in the second half, which is split without trying it. Once the fault is found, the
remaining halves are merged again, as far as an item may have gaps. One bad day among n days costs about log2(n) + 2
more runs, and every other day is loaded once.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from daybook.load.planning.scattered import joined, runs_of
from daybook.model.interval import Interval, IntervalRun, coalesce

Order = Literal["ascending", "descending", "shuffled"]

#: A run takes more intervals than asked for while it has at most so many rows, which load in seconds.
FEW_ROWS = 1_000_000
#: The most intervals of such a run. Each is a row of the ledger: 10,000 of them take some ten seconds.
MOST_INTERVALS = 10_000


def group(
    intervals: Sequence[Interval],
    intervals_per_run: int,
    rows: Mapping[Interval, int] | None = None,
    *,
    scattered: bool = False,
) -> list[IntervalRun]:
    """Return the ordered `intervals` as runs with at most `intervals_per_run` each.

    Runs have neighbours, or any intervals if they may be `scattered`. If `rows` has their row counts, neighbouring runs
    become one while it has few rows: every run starts a process, and years without a row need only one.
    """
    if rows is None:
        return runs_of(intervals, intervals_per_run, scattered=scattered)
    runs = coalesce(intervals, intervals_per_run)
    grouped, total = list[IntervalRun](), 0
    for run in runs:
        count = sum(rows.get(interval, 0) for interval in run)
        last = grouped[-1] if grouped else ()
        adjoins = bool(last) and last[-1].end == run[0].start
        if adjoins and total + count <= FEW_ROWS and len(last) + len(run) <= MOST_INTERVALS:
            grouped[-1], total = last + run, total + count
        else:
            grouped.append(run)
            total = count
    return joined(grouped, intervals_per_run) if scattered else grouped


def arrange(items: Sequence[IntervalRun], order: Order) -> list[IntervalRun]:
    """Return the items, given oldest first, in the order in which the backfill loads them."""
    if order == "descending":
        return list(reversed(items))
    return random.sample(items, len(items)) if order == "shuffled" else list(items)


@dataclass
class BisectingQueue:
    """The waiting items, the failed intervals with their reasons, and the intervals that will not be loaded.

    With `in_order` (depends_on_past), the queue closes when an interval fails. A closed queue returns no more items:
    waiting intervals, and those that are put back later, go to `held_back`.
    """

    waiting: deque[IntervalRun]
    in_order: bool = False
    scattered: bool = False
    """Items may have gaps."""
    failed: dict[Interval, str] = field(default_factory=dict)
    held_back: list[Interval] = field(default_factory=list)
    closed: bool = False
    _second_half: dict[IntervalRun, IntervalRun] = field(default_factory=dict)
    _pieces: set[IntervalRun] = field(default_factory=set)
    _joined: set[IntervalRun] = field(default_factory=set)

    @classmethod
    def of(cls, items: Iterable[IntervalRun], *, in_order: bool = False, scattered: bool = False) -> "BisectingQueue":
        """Return a queue with these items."""
        return cls(deque(items), in_order, scattered)

    def pop(self, still_wanted: Callable[[IntervalRun], Sequence[Interval]] = lambda item: item) -> IntervalRun | None:
        """Return the next item, or None. `still_wanted` can drop intervals that other runs have loaded since."""
        while self.waiting:
            wanted = still_wanted(self.waiting.popleft())
            pieces = self._divided(wanted)
            if pieces:
                self._put(pieces[1:])
                return pieces[0]
        return None

    def requeue(self, item: Sequence[Interval]) -> None:
        """Put these intervals back at the front: their run was lost before it could load them or fail."""
        self._put(self._divided(item))

    def mark_done(self, item: IntervalRun) -> None:
        """Record that a run loaded this item. If it is the first half of a failed one, bisect the second half."""
        second = self._second_half.pop(item, ())
        if len(second) > 1 and second in self.waiting:
            self.waiting.remove(second)
            self._bisect(second)

    def mark_failed(self, item: Sequence[Interval], reason: str, *, divisible: bool = True) -> None:
        """Record that a run failed: its halves are next. If it is not divisible, all of its intervals failed."""
        pieces = self._divided(item)
        if divisible and len(pieces) > 1:  # other runs have loaded the intervals in between
            self._put(pieces)
        elif divisible and len(item) > 1:
            self._bisect(item)
        else:
            self.failed.update(dict.fromkeys(item, reason))
            self._merge_suspects()
            if self.in_order:
                self.close()

    def _bisect(self, item: Sequence[Interval]) -> None:
        middle = len(item) // 2
        first, second = tuple(item[:middle]), tuple(item[middle:])
        self._second_half[first] = second
        if item not in self._joined:  # its second failure is another fault: merging again would repeat runs
            self._pieces |= {first, second}
        self._put([first, second])

    def _merge_suspects(self) -> None:
        """Merge the halves at the front into one item, as far as it may have gaps: none of them is known to fail."""
        merged: IntervalRun = ()
        while self.waiting and self.waiting[0] in self._pieces:
            following = self.waiting[0]
            if merged and (following[0] < merged[-1] or len(self._divided(merged + following)) > 1):
                break
            merged += self.waiting.popleft()
        if merged:
            self._joined.add(merged)
            self.waiting.appendleft(merged)

    def _divided(self, intervals: Sequence[Interval]) -> list[IntervalRun]:
        return runs_of(intervals, len(intervals), scattered=self.scattered) if intervals else []

    def close(self) -> None:
        """Return no more items from now on."""
        self.closed = True
        waiting = list(self.waiting)
        self.waiting.clear()
        self._put(waiting)

    def _put(self, items: Sequence[IntervalRun]) -> None:
        if self.closed:
            self.held_back += [interval for item in items for interval in item]
        else:
            self.waiting.extendleft(reversed(items))
