"""Whether the tables with `due:` have in time what they owe, by the ledger: how each stands now, and how it went.

What is owed, and by when: see `daybook.monitoring.deadlines`.
Of a table with `interval: day` and `due: "10:00"`, on the 8th at 11:00:

| the ledger has | it is |
|---|---|
| the 7th | fresh, whatever is missing further back: gaps are for `catch_up` |
| the 6th and not the 7th | late, since the 8th, 10:00 |
| the 5th and neither the 6th nor the 7th | stale, since the 7th, 10:00 |
| 2019, loaded this morning by a backfill | stale: it counts which intervals are there, not when any was loaded |
| all until the 8th, by a full refresh at 3 in the night | fresh |
| a row of the 8th, and none else; `start:` is the 8th | not due yet: the 8th is due on the 9th |
| nothing of the table | never loaded; also late, if its file has a `start:` of which something was due by now |

A table without intervals (`load: replace`, a summary that is built whole) is fresh if it was loaded or built since the
midnight before its due instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from daybook.definitions.registry import datasets
from daybook.errors import LoadFailed, TableFileError, WarehouseLost
from daybook.ledger.interval_status import first_covering, statuses
from daybook.ledger.ledger import Coverage, Ledger, LedgerRow
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.monitoring.deadlines import Deadline, Deadlines, start_of
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

_BACK = timedelta(days=7)  # beyond what is missing: an hourly table may lack a part of each of some days


class State(StrEnum):
    """How a table stands towards its `due:`."""

    FRESH = "fresh"
    LATE = "late"
    """What was due last is not there."""
    STALE = "stale"
    """Neither is what was due before that: two or more in a row are missing."""
    NOT_DUE = "not due yet"
    NEVER = "never loaded"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a table stands at one moment. Instants are in UTC; `timezone` is the table's, for those who show them."""

    table: str
    owner: str
    timezone: str
    state: State
    label: str = ""
    """What a person calls the intervals that are missing, or, where none is, those that were due last."""
    missing: tuple[Interval, ...] = ()
    """What was due and is not there: as far back as it is missing in a row, the oldest first. None of a table that was
    never loaded; of one without intervals, the days of which it has no load."""
    due_at: datetime | None = None
    """When the newest was due that is due by now; None: nothing was, yet."""
    since: datetime | None = None
    """When the oldest that is missing was due: since then it is late. None: it is not."""
    next_due_at: datetime | None = None
    """By when what could be loaded by now, and is not there, is due next; None: there is no such thing."""
    next_label: str = ""
    """What a person calls that."""
    loaded_until: datetime | None = None
    """How far its rows reach."""
    loaded_at: datetime | None = None
    """When it was loaded or built last."""

    @property
    def is_late(self) -> bool:
        """Whether something was due and is not there."""
        return self.since is not None


@dataclass(frozen=True, slots=True)
class Due:
    """One interval (of a table without any: one day), by when it was due, and when it was there for the first time."""

    interval: Interval
    due_at: datetime
    loaded_at: datetime | None

    @property
    def attained(self) -> bool:
        """Whether it was there in time."""
        return self.loaded_at is not None and self.loaded_at <= self.due_at


def expected(folder: Path | None = None) -> tuple[list[Dataset], list[TableFileError]]:
    """The tables and summaries below `folder` with `due:`, by name; and what is wrong with files that nobody can read.

    One file that is wrong shall not hide how all the others stand.
    """
    found, problems = datasets(folder)
    return [one for one in found if one.due], problems


def look(warehouse: Warehouse, datasets: Sequence[Dataset], now: datetime) -> list[Freshness]:
    """How each of these, all of which have `due:`, stands at `now`, by a query for all and one a table.

    Raises:
        LoadFailed: the warehouse could not be asked.
    """
    if not datasets:
        return []

    def ask() -> list[Freshness]:
        with warehouse.session() as session:
            ends = Ledger(warehouse).ends(session, [dataset.name for dataset in datasets])
            return [_stand(session, warehouse, dataset, ends.get(dataset.name), now) for dataset in datasets]

    return with_retries(ask, what="freshness: reading the ledger", failed=LoadFailed, lost=WarehouseLost)


def attainment(session: Session, warehouse: Warehouse, dataset: Dataset, span: Interval) -> list[Due]:
    """What of a table with `due:` was due within `span` (by its due instant), in order, by two queries.

    A table whose file says no `start:` owes nothing before its first row of the ledger, and nothing while it has none.
    What is due only after now is among it, too: end the span with now.
    """
    ledger = Ledger(warehouse)
    begin = _begin(dataset, ledger.ends(session, [dataset.name]).get(dataset.name))
    if begin is None:
        return []
    duties = list[Deadline]()
    for duty in Deadlines(dataset, begin).coming(span.start - timedelta.resolution):
        if duty.due_at >= span.end:
            break
        duties.append(duty)
    if not duties:
        return []
    intervals = [interval for duty in duties for interval in duty.intervals]
    if dataset.load_grid is None:
        loads = sorted(one.loaded_at for one in ledger.since(session, dataset.name, intervals[0].start))
        moments = [next((moment for moment in loads if moment >= day.start), None) for day in intervals]
    else:
        entries = ledger.first(session, dataset.name, Interval(intervals[0].start, intervals[-1].end))
        found = first_covering(intervals, [(entry.start, entry.end) for entry in entries], entries)
        moments = [entry.loaded_at if entry else None for entry in found]
    dues = [duty.due_at for duty in duties for _ in duty.intervals]
    return [Due(*one) for one in zip(intervals, dues, moments, strict=True)]


def _stand(session: Session, warehouse: Warehouse, dataset: Dataset, end: Coverage | None, now: datetime) -> Freshness:
    said = (dataset.name, dataset.owner, dataset.timezone)
    begin = _begin(dataset, end)
    if begin is None:
        return Freshness(*said, State.NEVER)
    duties = Deadlines(dataset, begin)
    newest, following = next(duties.passed(now), None), next(duties.coming(now))
    could_be_met = (following.end if dataset.load_grid else following.start) <= now
    next_due_at, next_label = (following.due_at, _label(dataset, following.intervals)) if could_be_met else (None, "")
    due_at = newest.due_at if newest else None
    label = _label(dataset, newest.intervals) if newest else ""
    if end is None:
        since = next(duties.coming(begin)).due_at if newest else None
        return Freshness(*said, State.NEVER, label, (), due_at, since, next_due_at, next_label)
    there = _LoadedIntervals(
        session, warehouse, dataset, end, min(end.until, newest.start if newest else now) - _BACK, now
    )
    missing, unmet = list[Interval](), list[Deadline]()
    for duty in duties.passed(now):
        lacking = there.missing_from(duty)
        if not lacking or duty.end <= there.back:
            break
        unmet.append(duty)
        missing[:0] = lacking
    if not there.missing_from(following):
        next_due_at, next_label = None, ""
    return Freshness(
        *said,
        State.STALE if len(unmet) > 1 else State.LATE if unmet else State.FRESH if newest else State.NOT_DUE,
        _label(dataset, missing) if missing else label,
        tuple(missing),
        due_at,
        unmet[-1].due_at if unmet else None,
        next_due_at,
        next_label,
        end.until,
        end.loaded_at,
    )


class _LoadedIntervals:
    """What of a table is there, by the ledger, from `back` to now."""

    def __init__(
        self, session: Session, warehouse: Warehouse, dataset: Dataset, end: Coverage, back: datetime, now: datetime
    ) -> None:
        self.back, self._end, self._by_intervals = back, end, dataset.load_grid is not None
        self._entries: list[LedgerRow] = []
        if self._by_intervals:
            self._entries = Ledger(warehouse).loaded(session, dataset.name, Interval(back, now))

    def missing_from(self, duty: Deadline) -> list[Interval]:
        """The intervals of a duty that are not there; of a table without any the day, if it was not loaded since."""
        if not self._by_intervals:
            return list(duty.intervals) if self._end.loaded_at < duty.start else []
        return [found.interval for found in statuses(duty.intervals, self._entries, ()) if not found.entry]


def _begin(dataset: Dataset, end: Coverage | None) -> datetime | None:
    """Since when something is owed: as its file says, or as the ledger began; None: nobody knows."""
    begin, grid = start_of(dataset), dataset.load_grid
    if begin is not None or end is None:
        return begin
    if grid is None:
        return _days(dataset).containing(end.first_at).start
    first = grid.containing(end.since)
    # Off the grid is the end of a whole load, which had all that was over by then: the newest of that counts.
    return first.start if first.start == end.since else grid.previous(first).start


def _label(dataset: Dataset, intervals: Sequence[Interval]) -> str:
    return (dataset.load_grid or _days(dataset)).stretch_label(intervals[0], intervals[-1])


def _days(dataset: Dataset) -> Grid:
    return Grid("day", dataset.timezone)
