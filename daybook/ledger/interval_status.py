"""How the intervals of a table stand: loaded, missing or failed, by the ledger and the failures."""

import gc
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple, TypeVar

from daybook.errors import LoadFailed, WarehouseLost
from daybook.ledger.failures import Failure, Failures
from daybook.ledger.ledger import Ledger, LedgerRow
from daybook.model.interval import Interval
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse

T = TypeVar("T")

BackfillSelection = Literal["missing", "failed", "differing", "all"]


class State(StrEnum):
    """Where an interval is on its way."""

    LOADED = "loaded"
    MISSING = "missing"
    FAILED = "failed"
    RUNNING = "running"


class IntervalStatus(NamedTuple):
    """An interval, what the ledger says of it, and the failure that came after that, where one did.

    A tuple, because a backfill makes one for each of 87,600 hours before it starts its first run.
    """

    interval: Interval
    entry: LedgerRow | None = None
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """Loaded, missing, or failed: the last try did, whether or not an earlier one had loaded it."""
        if self.failure:
            return State.FAILED
        return State.LOADED if self.entry else State.MISSING

    @property
    def rows(self) -> int | None:
        """How many it had when it was loaded: 0 where it never was; None where one number is that of others, too."""
        entry, interval = self.entry, self.interval
        if entry is None:
            return 0
        return entry.rows if (entry.start, entry.end) == (interval.start, interval.end) else None

    def chosen_by(self, select: BackfillSelection, differs: bool = False) -> bool:
        """Whether a backfill of this kind loads it: `missing` has no row in the ledger, `failed` is missing or failed
        at the last try, `differing` is not equal to its source (an audit says whether it `differs`), `all` is all."""
        if select == "differing":
            return differs
        return select == "all" or self.entry is None or (select == "failed" and self.failure is not None)


def statuses(
    intervals: Sequence[Interval], entries: Iterable[LedgerRow], failures: Iterable[Failure]
) -> list[IntervalStatus]:
    """How each of these intervals, which are in order, stands. Ten years of hours are 87,600 of them.

    An interval that an entry covers with others (a full refresh) is loaded, and the newest entry speaks for it.
    """
    loaded = sorted(entries, key=lambda entry: entry.loaded_at, reverse=True)
    failed = sorted(failures, key=lambda failure: failure.failed_at, reverse=True)
    spoken = first_covering(intervals, [(entry.start, entry.end) for entry in loaded], loaded)
    wrong = first_covering(intervals, [(failure.stretch.start, failure.stretch.end) for failure in failed], failed)
    return [
        IntervalStatus(
            interval, entry, failure if failure and (not entry or entry.loaded_at < failure.failed_at) else None
        )
        for interval, entry, failure in zip(intervals, spoken, wrong, strict=True)
    ]


def first_covering(
    intervals: Sequence[Interval], spans: Sequence[tuple[datetime | None, datetime]], items: Sequence[T]
) -> list[T | None]:
    """For each interval, which are in order, the first of the `items` whose span covers it; None where none does.

    Each interval is looked at once, however many cover it.
    """
    starts = [interval.start for interval in intervals]
    following = list(range(len(intervals) + 1))  # of each place, itself or one nearer to the next that is empty
    result: list[T | None] = [None] * len(intervals)

    def empty(place: int) -> int:
        while following[place] != place:
            following[place] = place = following[following[place]]
        return place

    for (start, end), item in zip(spans, items, strict=True):
        place = empty(bisect_left(starts, start) if start else 0)
        while place < len(intervals) and intervals[place].end <= end:
            result[place] = item
            following[place] = place + 1
            place = empty(place)
    return result


def read_statuses(warehouse: Warehouse, table: str, intervals: Sequence[Interval]) -> list[IntervalStatus]:
    """How each of these intervals of `table`, which are in order, stands now, by two queries.

    Raises:
        LoadFailed: the warehouse could not be asked.
    """
    if not intervals:
        return []
    span = Interval(intervals[0].start, intervals[-1].end)

    def ask() -> list[IntervalStatus]:
        with _not_collecting(), warehouse.session() as session:
            entries = Ledger(warehouse).loaded(session, table, span)
            failures = Failures(warehouse).within(session, table, span)
            return statuses(intervals, entries, failures)

    return with_retries(ask, what=f"{table}: reading the ledger", failed=LoadFailed, lost=WarehouseLost)


@contextmanager
def _not_collecting() -> Iterator[None]:
    """Without Python's search for garbage: of what is made here all stays, and for every ten thousand of them it would
    look through the whole process, Prefect and all, which takes longer than the work itself."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
