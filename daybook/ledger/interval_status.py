"""The status of the intervals of a table: loaded, missing or failed, from the ledger and the failures."""

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
from daybook.ledger.table_loss import Loss, loss_unless_locked
from daybook.model.interval import Interval
from daybook.model.table_spec import SHRINK_LIMIT, TableSpec
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

T = TypeVar("T")

BackfillSelection = Literal["missing", "failed", "differing", "all"]


class State(StrEnum):
    """The state of an interval."""

    LOADED = "loaded"
    MISSING = "missing"
    FAILED = "failed"
    RUNNING = "running"


class IntervalStatus(NamedTuple):
    """An interval, its ledger entry, and the newest failure after that entry.

    It is a tuple for speed: a backfill of ten years of hours creates 87,600 of them before its first run.
    """

    interval: Interval
    entry: LedgerRow | None = None
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """Return the state. An interval is failed if its last run failed, even if an earlier run loaded it."""
        if self.failure:
            return State.FAILED
        return State.LOADED if self.entry else State.MISSING

    @property
    def rows(self) -> int | None:
        """Return the row count of the last load: 0 if there was none, None if the ledger only has a combined count."""
        entry, interval = self.entry, self.interval
        if entry is None:
            return 0
        return entry.rows if (entry.start, entry.end) == (interval.start, interval.end) else None

    def chosen_by(self, select: BackfillSelection, differs: bool = False) -> bool:
        """Return True if a backfill with this `select` loads the interval.

        `missing`: no row in the ledger. `failed`: missing, or its last run failed. `differing`: an audit found that it
        differs from its source (`differs`). `all`: always.
        """
        if select == "differing":
            return differs
        return select == "all" or self.entry is None or (select == "failed" and self.failure is not None)


def statuses(
    intervals: Sequence[Interval], entries: Iterable[LedgerRow], failures: Iterable[Failure]
) -> list[IntervalStatus]:
    """Return the status of each of these intervals, which are in order. Fast enough for ten years of hours (87,600).

    The newest entry that covers an interval counts, even if it also covers others (a full refresh).
    """
    loaded = sorted(entries, key=lambda entry: entry.loaded_at, reverse=True)
    failed = sorted(failures, key=lambda failure: failure.failed_at, reverse=True)
    newest = first_covering(intervals, [(entry.start, entry.end) for entry in loaded], loaded)
    spans = [(failure.stretch.start, failure.stretch.end) for failure in failed if failure.stretch]
    last_failures = first_covering(intervals, spans, [failure for failure in failed if failure.stretch])
    return [
        IntervalStatus(
            interval, entry, failure if failure and (not entry or entry.loaded_at < failure.failed_at) else None
        )
        for interval, entry, failure in zip(intervals, newest, last_failures, strict=True)
    ]


def first_covering(
    intervals: Sequence[Interval], spans: Sequence[tuple[datetime | None, datetime]], items: Sequence[T]
) -> list[T | None]:
    """Return, for each interval, the first item whose span covers it, or None.

    The intervals are in order. Each one is assigned once, no matter how many spans cover it (a union-find structure).
    """
    starts = [interval.start for interval in intervals]
    following = list(
        range(len(intervals) + 1)
    )  # for each place: itself, or a later place on the way to the next empty one
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


def read_statuses(warehouse: Warehouse, table: TableSpec | str, intervals: Sequence[Interval]) -> list[IntervalStatus]:
    """Return the status of each of these intervals of `table`, which are in order: see `read_statuses_and_loss`."""
    return read_statuses_and_loss(warehouse, table, intervals)[0] if intervals else []


def read_statuses_and_loss(
    warehouse: Warehouse, table: TableSpec | str, intervals: Sequence[Interval]
) -> tuple[list[IntervalStatus], Loss | None]:
    """Return the status of each of these intervals of `table`, which are in order, and the table's loss.

    If the table has lost its rows (`loss_unless_locked`), no interval is loaded. A name stands for a table with the
    default `shrink_limit`.

    Raises:
        LoadFailed: the ledger could not be read.
    """
    name = table if isinstance(table, str) else table.name

    def ask() -> tuple[list[IntervalStatus], Loss | None]:
        with _not_collecting(), warehouse.session() as session:
            return statuses_in(session, warehouse, table, intervals)

    return with_retries(ask, what=f"{name}: reading the ledger", failed=LoadFailed, lost=WarehouseLost)


def statuses_in(
    session: Session, warehouse: Warehouse, table: TableSpec | str, intervals: Sequence[Interval]
) -> tuple[list[IntervalStatus], Loss | None]:
    """Return the same from an open session. Raises `DatabaseError` if the warehouse fails."""
    name, limit = (table, SHRINK_LIMIT) if isinstance(table, str) else (table.name, table.shrink_limit)
    lost = loss_unless_locked(session, warehouse, name, limit)
    if not intervals:
        return [], lost
    span = Interval(intervals[0].start, intervals[-1].end)
    entries = [] if lost else Ledger(warehouse).loaded(session, name, span)
    failures = Failures(warehouse).within(session, name, span)
    return statuses(intervals, entries, failures), lost


@contextmanager
def _not_collecting() -> Iterator[None]:
    """Turn off Python's garbage collector. All objects created here are kept, so it would find nothing. But for every
    ten thousand of them it would scan the whole process, including Prefect, which takes longer than the work itself."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
