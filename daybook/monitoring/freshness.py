"""Freshness: compare the ledger with the deadlines of the tables that have `due:`.

`look` returns the state of each table now. `attainment` returns which intervals of a time range were loaded in time.
`daybook.monitoring.deadlines` defines which intervals are due, and when.

For a table with `interval: day` and `due: "10:00"`, on the 8th at 11:00:

| the ledger has | state |
|---|---|
| the 7th | fresh, even with older gaps: `catch_up` fills those |
| the 6th but not the 7th | late, since the 8th, 10:00 |
| the 5th but not the 6th or the 7th | stale, since the 7th, 10:00 |
| only 2019, which a backfill loaded this morning | stale: the intervals count, not the time of the load |
| everything until the 8th, by a full refresh at 03:00 | fresh |
| only a row for the 8th, and `start:` is the 8th | not due yet: the 8th is due on the 9th |
| no row for the table | never loaded. Also late, if something has been due since the `start:` in its file |

A table without intervals (`load: replace`, or a summary that is built whole) is fresh if it was loaded or built after
the midnight before its due instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
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

_BACK = timedelta(days=7)  # read further back than the newest load: an hourly table can have gaps on several days


class State(StrEnum):
    """The state of a table that has `due:`."""

    FRESH = "fresh"
    LATE = "late"
    """The intervals of the last deadline are missing."""
    STALE = "stale"
    """The intervals of the last two or more deadlines are missing."""
    NOT_DUE = "not due yet"
    NEVER = "never loaded"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The freshness of a table at one moment. Instants are in UTC; `timezone` is the table's, for display."""

    table: str
    owner: str
    timezone: str
    state: State
    label: str = ""
    """The label of the missing intervals, or of the last ones that were due if none is missing."""
    missing: tuple[Interval, ...] = ()
    """The overdue intervals, the oldest first, back to the last deadline that was met. Empty if the table was never
    loaded. For a table without intervals, the days without a load."""
    due_at: datetime | None = None
    """The last deadline. None: nothing has been due yet."""
    since: datetime | None = None
    """The deadline of the oldest missing interval: the table is late since then. None: it is not late."""
    next_due_at: datetime | None = None
    """The next deadline, if its intervals could be loaded by now but are not. Otherwise None."""
    next_label: str = ""
    """The label of the intervals that are due at `next_due_at`."""
    loaded_until: datetime | None = None
    """The end of the newest interval that is loaded."""
    loaded_at: datetime | None = None
    """The time of the last load or build."""
    changes_at: datetime | None = field(default=None, compare=False)
    """The next instant at which the state may change without a load. None: only a load changes it."""

    @property
    def is_late(self) -> bool:
        """Return True if something is overdue."""
        return self.since is not None


@dataclass(frozen=True, slots=True)
class Due:
    """One interval with its deadline and its first load. For a table without intervals, one day."""

    interval: Interval
    due_at: datetime
    loaded_at: datetime | None

    @property
    def attained(self) -> bool:
        """Return True if the interval was loaded in time."""
        return self.loaded_at is not None and self.loaded_at <= self.due_at


def expected(folder: Path | None = None) -> tuple[list[Dataset], list[TableFileError]]:
    """Return the tables and summaries below `folder` that have `due:`, by name, and the errors of unreadable files.

    Errors are returned, not raised: one invalid file must not hide the state of all other tables.
    """
    found, problems = datasets(folder)
    return [one for one in found if one.due], problems


def look(warehouse: Warehouse, datasets: Sequence[Dataset], now: datetime) -> list[Freshness]:
    """Return the freshness of each dataset at `now`, with one query for all and one for each table with intervals.

    Args:
        warehouse: the warehouse that has the ledger.
        datasets: tables and summaries, all of them with `due:`.
        now: an aware datetime.

    Raises:
        LoadFailed: the ledger could not be read.
    """
    if not datasets:
        return []

    def ask() -> list[Freshness]:
        with warehouse.session() as session:
            ends = Ledger(warehouse).ends(session, [dataset.name for dataset in datasets])
            return [_assess(session, warehouse, dataset, ends.get(dataset.name), now) for dataset in datasets]

    return with_retries(ask, what="freshness: reading the ledger", failed=LoadFailed, lost=WarehouseLost)


def attainment(session: Session, warehouse: Warehouse, dataset: Dataset, span: Interval) -> list[Due]:
    """Return the intervals of a table with `due:` whose deadline is in `span`, in order, with two queries.

    If the table file has no `start:`, the deadlines begin with the table's first row in the ledger. Deadlines in the
    future are returned, too: end the span with the current time to leave them out.
    """
    ledger = Ledger(warehouse)
    begin = _begin(dataset, ledger.ends(session, [dataset.name]).get(dataset.name))
    if begin is None:
        return []
    deadlines = list[Deadline]()
    for deadline in Deadlines(dataset, begin).coming(span.start - timedelta.resolution):
        if deadline.due_at >= span.end:
            break
        deadlines.append(deadline)
    if not deadlines:
        return []
    intervals = [interval for deadline in deadlines for interval in deadline.intervals]
    if dataset.load_grid is None:
        since = ledger.since(session, dataset.name, intervals[0].start)
        loads = sorted(one.loaded_at for one in since if not one.is_closing)
        moments = [next((moment for moment in loads if moment >= day.start), None) for day in intervals]
    else:
        entries = ledger.first(session, dataset.name, Interval(intervals[0].start, intervals[-1].end))
        found = first_covering(intervals, [(entry.start, entry.end) for entry in entries], entries)
        moments = [entry.loaded_at if entry else None for entry in found]
    dues = [deadline.due_at for deadline in deadlines for _ in deadline.intervals]
    return [Due(*one) for one in zip(intervals, dues, moments, strict=True)]


def _assess(session: Session, warehouse: Warehouse, dataset: Dataset, end: Coverage | None, now: datetime) -> Freshness:
    subject = (dataset.name, dataset.owner, dataset.timezone)
    begin = _begin(dataset, end)
    if begin is None:
        return Freshness(*subject, State.NEVER)
    deadlines = Deadlines(dataset, begin)
    newest, following = next(deadlines.passed(now), None), next(deadlines.coming(now))
    met_from = following.end if dataset.load_grid else following.start
    could_be_met = met_from <= now
    changes_at = following.due_at if could_be_met else met_from
    next_due_at, next_label = (following.due_at, _label(dataset, following.intervals)) if could_be_met else (None, "")
    due_at = newest.due_at if newest else None
    label = _label(dataset, newest.intervals) if newest else ""
    if end is None:
        since = next(deadlines.coming(begin)).due_at if newest else None
        return Freshness(
            *subject, State.NEVER, label, (), due_at, since, next_due_at, next_label, changes_at=changes_at
        )
    back = min(end.until, newest.start if newest else now) - _BACK
    loaded = _LoadedIntervals(session, warehouse, dataset, end, back, now)
    missing, unmet = list[Interval](), list[Deadline]()
    for deadline in deadlines.passed(now):
        overdue = loaded.missing_from(deadline)
        if not overdue or deadline.end <= loaded.back:
            break
        unmet.append(deadline)
        missing[:0] = overdue
    if not loaded.missing_from(following):
        next_due_at, next_label = None, ""
    return Freshness(
        *subject,
        State.STALE if len(unmet) > 1 else State.LATE if unmet else State.FRESH if newest else State.NOT_DUE,
        _label(dataset, missing) if missing else label,
        tuple(missing),
        due_at,
        unmet[-1].due_at if unmet else None,
        next_due_at,
        next_label,
        end.until,
        end.loaded_at,
        changes_at,
    )


class _LoadedIntervals:
    """The intervals of a table that the ledger has from `back` to now."""

    def __init__(
        self, session: Session, warehouse: Warehouse, dataset: Dataset, end: Coverage, back: datetime, now: datetime
    ) -> None:
        self.back, self._end, self._by_intervals = back, end, dataset.load_grid is not None
        self._entries: list[LedgerRow] = []
        if self._by_intervals:
            self._entries = Ledger(warehouse).loaded(session, dataset.name, Interval(back, now))

    def missing_from(self, deadline: Deadline) -> list[Interval]:
        """Return the intervals of a deadline that are not loaded.

        For a table without intervals, return the day if no load is newer than its start.
        """
        if not self._by_intervals:
            return list(deadline.intervals) if self._end.loaded_at < deadline.start else []
        return [found.interval for found in statuses(deadline.intervals, self._entries, ()) if not found.entry]


def _begin(dataset: Dataset, end: Coverage | None) -> datetime | None:
    """Return the start of the first expected interval, from the table file or else the ledger. None: unknown."""
    begin, grid = start_of(dataset), dataset.load_grid
    if begin is not None or end is None:
        return begin
    if grid is None:
        return _days(dataset).containing(end.first_at).start
    first = grid.containing(end.since)
    # If `since` is off the grid, it is the end of a full refresh, which loaded every interval that was complete by
    # then. The newest of them counts.
    return first.start if first.start == end.since else grid.previous(first).start


def _label(dataset: Dataset, intervals: Sequence[Interval]) -> str:
    return (dataset.load_grid or _days(dataset)).stretch_label(intervals[0], intervals[-1])


def _days(dataset: Dataset) -> Grid:
    return Grid("day", dataset.timezone)
