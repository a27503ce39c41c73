"""What a backfill still has to do: stretches of neighbouring intervals, each of which one run loads.

A stretch that fails is bisected until the intervals that cannot load stand alone, as in binary splitting for group
testing: where the first half loads, the fault is in the second, which is split without a run; where the fault is found,
what waited beside it is one stretch again. One bad day among n costs about log2(n) + 2 runs more, and no other day.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from daybook.model.interval import Interval, IntervalRun, coalesce

Order = Literal["ascending", "descending", "shuffled"]


def arrange(stretches: Sequence[IntervalRun], order: Order) -> list[IntervalRun]:
    """The stretches, which come oldest first, in the order in which they are to be loaded."""
    if order == "descending":
        return list(reversed(stretches))
    return random.sample(stretches, len(stretches)) if order == "shuffled" else list(stretches)


@dataclass
class BisectingQueue:
    """The stretches that wait, and the intervals that failed, with the reason of each.

    With `in_order` (depends_on_past) it is closed once an interval has failed. A closed backlog gives out nothing any
    more: what waits, or would wait, is held back.
    """

    waiting: deque[IntervalRun]
    in_order: bool = False
    failed: dict[Interval, str] = field(default_factory=dict)
    held_back: list[Interval] = field(default_factory=list)
    closed: bool = False
    _second_half: dict[IntervalRun, IntervalRun] = field(default_factory=dict)
    _pieces: set[IntervalRun] = field(default_factory=set)
    _joined: set[IntervalRun] = field(default_factory=set)

    @classmethod
    def of(cls, stretches: Iterable[IntervalRun], *, in_order: bool = False) -> "BisectingQueue":
        """A backlog in which all of these wait."""
        return cls(deque(stretches), in_order)

    def pop(
        self, still_wanted: Callable[[IntervalRun], Sequence[Interval]] = lambda stretch: stretch
    ) -> IntervalRun | None:
        """The next stretch, or None. `still_wanted` may leave out what others have loaded meanwhile."""
        while self.waiting:
            wanted = still_wanted(self.waiting.popleft())
            pieces = coalesce(wanted, len(wanted)) if wanted else []
            if pieces:
                self._put(pieces[1:])
                return pieces[0]
        return None

    def requeue(self, stretch: Sequence[Interval]) -> None:
        """Let these be the next again: their run was lost, and says nothing of them."""
        self._put(coalesce(stretch, len(stretch)))

    def mark_done(self, stretch: IntervalRun) -> None:
        """A run has loaded this stretch: where it is the first half of one that failed, the fault is in the second."""
        second = self._second_half.pop(stretch, ())
        if len(second) > 1 and second in self.waiting:
            self.waiting.remove(second)
            self._bisect(second)

    def mark_failed(self, stretch: Sequence[Interval], reason: str, *, divisible: bool = True) -> None:
        """A run of these failed: their halves are next, or, where they cannot be divided, they all failed."""
        pieces = coalesce(stretch, len(stretch))
        if divisible and len(pieces) > 1:  # others have loaded what was between them
            self._put(pieces)
        elif divisible and len(stretch) > 1:
            self._bisect(stretch)
        else:
            self.failed.update(dict.fromkeys(stretch, reason))
            self._merge_suspects()
            if self.in_order:
                self.close()

    def _bisect(self, stretch: Sequence[Interval]) -> None:
        middle = len(stretch) // 2
        first, second = tuple(stretch[:middle]), tuple(stretch[middle:])
        self._second_half[first] = second
        if stretch not in self._joined:  # there are several faults: to join what is beside each would only repeat runs
            self._pieces |= {first, second}
        self._put([first, second])

    def _merge_suspects(self) -> None:
        """Make one of the pieces that are next, as far as they are neighbours: nothing is known against them."""
        joined: IntervalRun = ()
        while self.waiting and self.waiting[0] in self._pieces:
            if joined and joined[-1].end != self.waiting[0][0].start:
                break
            joined += self.waiting.popleft()
        if joined:
            self._joined.add(joined)
            self.waiting.appendleft(joined)

    def close(self) -> None:
        """Give out nothing any more."""
        self.closed = True
        waiting = list(self.waiting)
        self.waiting.clear()
        self._put(waiting)

    def _put(self, stretches: Sequence[IntervalRun]) -> None:
        if self.closed:
            self.held_back += [interval for stretch in stretches for interval in stretch]
        else:
            self.waiting.extendleft(reversed(stretches))
