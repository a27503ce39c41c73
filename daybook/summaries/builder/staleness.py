"""What of a summary has to be built: that of which an input has a newer row in the ledger than the last build read."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daybook.definitions.summary import Summary
from daybook.ledger.ledger import Coverage, Entry, Ledger
from daybook.model.interval import Interval, merged
from daybook.model.interval_grid import Grid
from daybook.summaries.builder.build_inputs import Inputs, Seen
from daybook.summaries.parse.determinism import is_repeatable
from daybook.summaries.parse.lineage import Lineage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


@dataclass(frozen=True, slots=True)
class BuildScope:
    """All of a summary (`whole`), or some of its intervals, or, where nothing has changed, neither."""

    why: str
    seen: Seen
    """What there is to read, which is noted with the build."""
    until: datetime
    """Up to where the inputs have been loaded, in UTC."""
    last: Entry | None
    """The newest entry of the summary itself. Whoever finds another one at the commit has been overtaken."""
    whole: bool = False
    intervals: tuple[Interval, ...] = ()


class _Whole(Exception):
    """Why no choice of intervals would do."""


def version_of(summary: Summary) -> str:
    """By which a summary that was written anew is known: what makes another table, and not its checks or its owner."""
    said = [summary.sql, *summary.key, summary.interval, summary.cursor, summary.timezone, str(summary.lookback)]
    said += [f"{name}: {type}" for name, type in summary.columns.items()]
    return hashlib.sha256("\0".join(map(str, said)).encode()).hexdigest()[:16]


def find_stale(session: Session, warehouse: Warehouse, lineage: Lineage, *, anew: bool) -> BuildScope:
    """What has to be built of a summary; `anew` asks for all of it."""
    summary, inputs, ledger = lineage.summary, lineage.inputs, Ledger(warehouse)
    ends = ledger.ends(session, [summary.name, *inputs])
    until = max((end.until for name, end in ends.items() if name != summary.name), default=datetime.now(UTC))
    seen = {name: ends[name].loaded_at if name in ends else None for name in inputs}
    last = _last(session, ledger, summary, ends)
    try:
        if anew:
            raise _Whole("asked for")
        _check_stands(session, warehouse, summary, last)
        if not is_repeatable(lineage):
            raise _Whole("its SELECT asks the clock or chance")
        unknown = [name for name in inputs if name not in ends]
        if unknown:
            raise _Whole(f"the ledger does not know when {', '.join(unknown)} changes")
        assert last is not None
        read = Inputs(warehouse).seen(session, summary.name, last.load_id)
        stale = set[Interval]()
        for name in inputs:
            changes = _changes(session, ledger, name, read.get(name), ends[name])
            if changes and name in lineage.by_others:
                raise _Whole(f"{name} has changed, and is loaded by another column than it is chosen by")
            stale.update(_stale_by(summary, name, changes, until))
    except _Whole as reason:
        return BuildScope(str(reason), seen, until, last, whole=True)
    return BuildScope("its inputs have changed" if stale else "", seen, until, last, intervals=tuple(sorted(stale)))


def _last(session: Session, ledger: Ledger, summary: Summary, ends: Mapping[str, Coverage]) -> Entry | None:
    """An entry of the newest build. There is no need of older ones: each build makes up for all that it finds stale."""
    if summary.name not in ends:
        return None
    return ledger.since(session, summary.name, ends[summary.name].loaded_at - timedelta.resolution)[-1]


def _check_stands(session: Session, warehouse: Warehouse, summary: Summary, last: Entry | None) -> None:
    """Whether what the last build has made is still there, and still what the files ask for. Raises _Whole."""
    if last is None:
        raise _Whole("it had never been built")
    if not warehouse.exists(session, summary.name):
        raise _Whole("somebody has dropped it")
    table = warehouse.table(summary.name)
    if not summary.allow_empty and session.one(f"SELECT 1 FROM {table} LIMIT 1") is None:
        raise _Whole("somebody has emptied it")
    if last.version != version_of(summary):
        raise _Whole("its files have changed")


def _changes(session: Session, ledger: Ledger, name: str, read: datetime | None, end: Coverage) -> list[Entry]:
    """What has become of an input since it was `read`. Raises _Whole where nobody knows when that was."""
    if read is None:
        raise _Whole(f"nothing says what it had read of {name}")
    found = ledger.since(session, name, read) if end.loaded_at > read else []
    return [change for change in found if not change.is_confirmation]


def _stale_by(summary: Summary, name: str, changes: Sequence[Entry], until: datetime) -> Iterator[Interval]:
    """The intervals of whose rows some are made of what has changed in an input. Raises _Whole: all of them may be."""
    if changes and summary.grid is None:
        raise _Whole(f"{name} has changed")
    changed = list[Interval]()
    for change in changes:
        if change.start is None or change.is_full_refresh:
            raise _Whole(f"all of {name} was loaded anew")
        changed.append(Interval(change.start, change.end))
    for stretch in merged(changed):
        assert summary.grid is not None
        yield from _touched(summary.grid, stretch, summary.lookback, until)


def _touched(grid: Grid, changed: Interval, lookback: int, until: datetime) -> Iterator[Interval]:
    """The intervals of whose rows some are made of input within `changed`, as far as there is any input."""
    interval, behind = grid.containing(changed.start), 0
    while interval.start < until:
        behind += interval.start >= changed.end
        if behind > lookback:
            return
        yield interval
        interval = grid.next(interval)
