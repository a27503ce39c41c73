"""How the intervals of a table stand: loaded, missing or failed, by the ledger and the failures."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from daybook.errors import LoadFailed, WarehouseLost
from daybook.failures import Failure, Failures
from daybook.interval import Interval
from daybook.ledger import Ledger, Loaded
from daybook.transient import with_retries
from daybook.warehouses import Warehouse

Select = Literal["missing", "failed", "all"]


class State(StrEnum):
    """Where an interval is on its way."""

    LOADED = "loaded"
    MISSING = "missing"
    FAILED = "failed"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Standing:
    """An interval, what the ledger says of it, and the failure that came after that, where one did."""

    interval: Interval
    entry: Loaded | None = None
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """Loaded, missing, or failed: the last try did, whether or not an earlier one had loaded it."""
        if self.failure:
            return State.FAILED
        return State.LOADED if self.entry else State.MISSING

    def chosen_by(self, select: Select) -> bool:
        """Whether a backfill of this kind loads it: `missing` has no row in the ledger, `failed` is missing or failed
        at the last try, `all` is all."""
        return select == "all" or self.entry is None or (select == "failed" and self.failure is not None)


def standing(intervals: Sequence[Interval], entries: Iterable[Loaded], failures: Iterable[Failure]) -> list[Standing]:
    """How each of these intervals, which are in order, stands. Ten years of hours are 87,600 of them.

    An interval that an entry covers with others (a full refresh) is loaded, and the newest entry speaks for it.
    """
    starts = [interval.start for interval in intervals]
    spoken: list[Loaded | None] = [None] * len(intervals)
    failed: list[Failure | None] = [None] * len(intervals)
    for entry in sorted(entries, key=lambda entry: entry.loaded_at):
        index = bisect_left(starts, entry.start) if entry.start else 0
        while index < len(intervals) and intervals[index].end <= entry.end:
            spoken[index] = entry
            index += 1
    for failure in sorted(failures, key=lambda failure: failure.failed_at):
        index = bisect_left(starts, failure.stretch.start)
        while index < len(intervals) and intervals[index].end <= failure.stretch.end:
            said = spoken[index]
            if said is None or said.loaded_at < failure.failed_at:
                failed[index] = failure
            index += 1
    return [Standing(*found) for found in zip(intervals, spoken, failed, strict=True)]


def look_up(warehouse: Warehouse, table: str, intervals: Sequence[Interval]) -> list[Standing]:
    """How each of these intervals of `table`, which are in order, stands now, by two queries.

    Raises:
        LoadFailed: the warehouse could not be asked.
    """
    if not intervals:
        return []
    span = Interval(intervals[0].start, intervals[-1].end)

    def ask() -> list[Standing]:
        with warehouse.session() as session:
            entries = Ledger(warehouse).loaded(session, table, span)
            failures = Failures(warehouse).within(session, table, span)
        return standing(intervals, entries, failures)

    return with_retries(ask, what=f"{table}: reading the ledger", failed=LoadFailed, lost=WarehouseLost)
