"""Find the stale part of a summary: compare the ledger's rows of its inputs with those that the last build read.

The table `daybook.moves` has the intervals that a load changed besides those in the ledger.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daybook.definitions.summary import Summary
from daybook.ledger.ledger import Coverage, Entry, Ledger
from daybook.ledger.moves import MovedInterval, Moves, Unplaced
from daybook.model.interval import Interval, merged
from daybook.model.interval_grid import Grid
from daybook.model.timezones import find_zone, local_start
from daybook.summaries.builder.build_inputs import Inputs, Seen
from daybook.summaries.parse.determinism import is_repeatable
from daybook.summaries.parse.lineage import Lineage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


@dataclass(frozen=True, slots=True)
class BuildScope:
    """The stale part of a summary: all of it (`whole`), some of its `intervals`, or nothing if neither is set."""

    why: str
    seen: Seen
    """The time of each input's last load. The build records it."""
    until: datetime
    """The end of the newest interval of any input, in UTC."""
    last: Entry | None
    """The summary's newest ledger entry. If the ledger has a newer one at the commit, another build was faster."""
    whole: bool = False
    intervals: tuple[Interval, ...] = ()

    @property
    def built_at(self) -> str:
        """Return the time of the last build, for messages."""
        assert self.last is not None
        return f"{self.last.loaded_at:%Y-%m-%d %H:%M:%S} UTC"


def version_of(summary: Summary, *, with_moves: bool = True) -> str:
    """Return a hash of the fields that decide a summary's rows: its SELECT and types, but not its checks or owner.

    Versions of Daybook without `daybook.moves` did not rebuild the intervals that rows had left. Their hash of an
    incremental summary (`with_moves=False`) differs, so it is built as a whole once.
    """
    fields = [summary.sql, *summary.key, summary.interval, summary.cursor, summary.timezone, str(summary.lookback)]
    fields += [f"{name}: {type}" for name, type in summary.columns.items()]
    fields += ["moves"] * (with_moves and summary.interval is not None)
    return hashlib.sha256("\0".join(map(str, fields)).encode()).hexdigest()[:16]


def find_stale(session: Session, warehouse: Warehouse, lineage: Lineage, *, full_refresh: bool) -> BuildScope:
    """Return the stale part of a summary. With `full_refresh`, that is all of it."""
    summary, inputs, ledger = lineage.summary, lineage.inputs, Ledger(warehouse)
    ends = ledger.ends(session, [summary.name, *inputs])
    until = max((end.until for name, end in ends.items() if name != summary.name), default=datetime.now(UTC))
    seen = {name: ends[name].loaded_at if name in ends else None for name in inputs}
    last = _last(session, ledger, summary, ends)
    why = "requested" if full_refresh else _why_whole(session, warehouse, lineage, last, ends)
    if why:
        return BuildScope(why, seen, until, last, whole=True)
    assert last is not None
    read = Inputs(warehouse).seen(session, summary.name, last.load_id)
    stale = set[Interval]()
    for name in inputs:
        changes = _changes(session, warehouse, name, read.get(name), ends[name])
        why = _why_whole_after(lineage, name, changes)
        if why:
            return BuildScope(why, seen, until, last, whole=True)
        stale.update(_stale_by(summary, changes, until, lineage.clocks.get(name)))
    return BuildScope("its inputs have changed" if stale else "", seen, until, last, intervals=tuple(sorted(stale)))


def _last(session: Session, ledger: Ledger, summary: Summary, ends: Mapping[str, Coverage]) -> Entry | None:
    """Return an entry of the newest build. Older builds do not matter: each build rebuilds all that is stale."""
    if summary.name not in ends:
        return None
    return ledger.since(session, summary.name, ends[summary.name].loaded_at - timedelta.resolution)[-1]


def _why_whole(
    session: Session, warehouse: Warehouse, lineage: Lineage, last: Entry | None, ends: Mapping[str, Coverage]
) -> str | None:
    """Return why all of a summary is stale, regardless of the changes of its inputs. None: it may be only intervals.

    The reason is its table, its files, its SELECT, or an input that is not in the ledger.
    """
    summary = lineage.summary
    if last is None:
        return "it was never built before"
    if not warehouse.exists(session, summary.name):
        return "its table was dropped"
    if last.table_id not in (None, warehouse.identity(session, summary.name)):
        return "its table is not the one that was built"
    table = warehouse.table(summary.name)
    if not summary.allow_empty and session.one(f"SELECT 1 FROM {table} LIMIT 1") is None:
        return "its table was emptied"
    if last.version != version_of(summary):
        older = last.version == version_of(summary, with_moves=False)
        return "an older version of Daybook built it" if older else "its files have changed"
    if not is_repeatable(lineage, warehouse.volatile_functions):
        return "its SELECT depends on the clock or on random values"
    unknown = [name for name in lineage.inputs if name not in ends]
    return f"the ledger does not record changes of {', '.join(unknown)}" if unknown else None


@dataclass(frozen=True, slots=True)
class _Changes:
    """The changes of one input since the last build. `entries` is None if it is unknown what that build read."""

    entries: Sequence[Entry] | None = ()
    moved: Collection[MovedInterval] = ()
    """The intervals that the loads changed besides those of `entries`."""


def _changes(session: Session, warehouse: Warehouse, name: str, read: datetime | None, end: Coverage) -> _Changes:
    """Return the changes of an input since the last build `read` it. None: that time is unknown."""
    if read is None:
        return _Changes(None)
    if end.loaded_at <= read:
        return _Changes()
    found = Ledger(warehouse).since(session, name, read)
    moved = Moves(warehouse).since(session, name, read)
    return _Changes([change for change in found if not change.is_confirmation], moved)


def _why_whole_after(lineage: Lineage, name: str, changes: _Changes) -> str | None:
    """Return why these changes of an input make all of a summary stale. None: they make only intervals stale."""
    if changes.entries is None:
        return f"the last build did not record what it read of {name}"
    if changes.entries and name in lineage.by_others:
        return f"{name} has changed, and the SELECT filters it by another column than its cursor, or not everywhere"
    if changes.entries and lineage.summary.grid is None:
        return f"{name} has changed"
    if any(change.start is None or change.is_full_refresh for change in changes.entries):
        return f"all of {name} was reloaded"
    if None in changes.moved or (Unplaced.WITHOUT_CURSOR in changes.moved and name not in lineage.without_nulls):
        return f"{name} was created again, or its rows without a cursor have changed"
    return None


def _stale_by(summary: Summary, changes: _Changes, until: datetime, clock: str | None) -> Iterator[Interval]:
    """Yield the intervals whose rows depend on these changes of an input.

    `clock` is the time zone of an input whose cursor has none, if it is another zone than the summary's. The SELECT
    can compare these times with `{start}` as they are, or convert them: both possible intervals are stale.
    """
    changed = [Interval(change.start, change.end) for change in changes.entries or () if change.start is not None]
    changed += [one for one in changes.moved if isinstance(one, Interval)]
    if clock:
        changed += [_as_written(one, clock, summary.timezone) for one in changed]
    for span in merged(changed):
        assert summary.grid is not None
        # A row with a cursor in the future may have left an interval after the end of all inputs.
        yield from _touched(summary.grid, span, summary.lookback, max(until, span.end))


def _as_written(interval: Interval, clock: str, zone: str) -> Interval:
    """Return the time in which the clock of `zone` shows what the clock of `clock` shows in `interval`."""
    start, end = (local_start(instant, clock) for instant in (interval.start, interval.end))
    if start == end:  # the first of two hours with the same name, which has no rows
        return interval
    first, last = (
        [local.replace(tzinfo=find_zone(zone), fold=fold).astimezone(UTC) for fold in (0, 1)] for local in (start, end)
    )
    return Interval(min(first), max(last))


def _touched(grid: Grid, changed: Interval, lookback: int, until: datetime) -> Iterator[Interval]:
    """Yield the intervals whose rows depend on input within `changed`, up to the end of all inputs."""
    interval, behind = grid.containing(changed.start), 0
    while _shows_earlier_dates(grid, interval.start):
        interval = grid.previous(interval)
    while interval.start < until:
        behind += interval.start >= changed.end
        if behind > lookback:
            return
        yield interval
        interval = grid.next(interval)


def _shows_earlier_dates(grid: Grid, start: datetime) -> bool:
    """Return True if the clock is set back, after the `start` of an interval, to a time before it.

    America/St_Johns set its clock from 00:01 back to 23:01 until 2011: then a row of the new day has the old date.
    """
    last = local_start(start, grid.timezone) - timedelta.resolution
    return last.replace(tzinfo=find_zone(grid.timezone), fold=1).astimezone(UTC) > start
