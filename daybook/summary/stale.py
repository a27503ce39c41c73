"""What of a summary has to be built: that of which an input has a newer row in the ledger than the last build read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from daybook.grid import Grid
from daybook.interval import Interval
from daybook.ledger import Entry, Ledger
from daybook.summary.form import Summary
from daybook.summary.inputs import Inputs, Seen
from daybook.versions import UNCHANGED
from daybook.warehouses import Warehouse
from daybook.warehouses.session import Session


@dataclass(frozen=True, slots=True)
class Need:
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


def find_stale(
    session: Session, warehouse: Warehouse, summary: Summary, inputs: Sequence[str], *, anew: bool, repeatable: bool
) -> Need:
    """What has to be built of a summary that reads `inputs` (`schema.table`).

    `anew` asks for all of it. One that is not `repeatable` gives other rows another day, though nothing has changed.
    """
    ledger = Ledger(warehouse)
    ends = ledger.ends(session, [summary.name, *inputs])
    until = max((end.until for name, end in ends.items() if name != summary.name), default=datetime.now(UTC))
    seen = {name: ends[name].loaded_at if name in ends else None for name in inputs}
    entries = ledger.newest(session, summary.name) if summary.name in ends else []
    need = Need("", seen, until, entries[-1] if entries else None)
    try:
        if anew:
            raise _Whole("asked for")
        if not entries or not warehouse.exists(session, summary.name):
            raise _Whole("it had never been built" if not entries else "somebody has dropped it")
        if entries[-1].version != version_of(summary):
            raise _Whole("its files have changed")
        if not repeatable:
            raise _Whole("its SELECT asks the clock or chance")
        unknown = [name for name in inputs if name not in ends]
        if unknown:
            raise _Whole(f"the ledger does not know when {', '.join(unknown)} changes")
        changes = _Changes(summary, entries, Inputs(warehouse).seen(session, summary.name), until)
        stale = {i for name in inputs for i in changes.of(name, ledger.since(session, name, changes.oldest(name)))}
    except _Whole as reason:
        return Need(str(reason), seen, until, need.last, whole=True)
    if not stale:
        return need
    return Need("its inputs have changed", seen, until, need.last, intervals=tuple(sorted(stale)))


class _Changes:
    """What changes of its inputs mean for a summary of which there are these entries, built of what they had `seen`."""

    def __init__(
        self, summary: Summary, entries: Sequence[Entry], seen: dict[str, dict[str, datetime | None]], until: datetime
    ) -> None:
        self._grid, self._lookback, self._until = summary.grid, summary.lookback, until
        self._entries, self._seen = entries, seen
        self._whole = [entry for entry in entries if entry.strategy == "replace"]
        self._of_interval = {(entry.start, entry.end): entry for entry in entries}

    def oldest(self, name: str) -> datetime:
        """The oldest row of the ledger of an input that an interval which still stands was built of."""
        seen = [self._seen.get(entry.load_id, {}).get(name) for entry in self._entries]
        if any(moment is None for moment in seen):
            raise _Whole(f"nothing says what it had read of {name}")
        return min(moment for moment in seen if moment is not None)

    def of(self, name: str, changes: Sequence[Entry]) -> Iterator[Interval]:
        """The intervals that have not been built of these changes of an input."""
        for change in changes:
            if change.strategy == UNCHANGED or self._has_read(self._whole, name, change):
                continue
            if self._grid is None:
                raise _Whole(f"{name} has changed")
            if change.start is None or change.strategy == "replace":
                raise _Whole(f"all of {name} was loaded anew")
            for interval in _touched(self._grid, change.start, change.end, self._lookback, self._until):
                built = self._of_interval.get((interval.start, interval.end))
                if built is None or not self._has_read([built], name, change):
                    yield interval

    def _has_read(self, builds: Sequence[Entry], name: str, change: Entry) -> bool:
        """Whether one of the builds read this change."""
        seen = [self._seen.get(build.load_id, {}).get(name) for build in builds]
        return any(moment is not None and moment >= change.loaded_at for moment in seen)


def _touched(grid: Grid, start: datetime, end: datetime, lookback: int, until: datetime) -> Iterator[Interval]:
    """The intervals of whose rows some are made of input between `start` and `end`, as far as there is any input."""
    interval, behind = grid.containing(start), 0
    while interval.start < until:
        behind += interval.start >= end
        if behind > lookback:
            return
        yield interval
        interval = grid.next(interval)
