"""The verdict on an interval, from three checksums: those of the source, the ledger and the warehouse."""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum

from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum

#: The reason why the ledger has no checksum for an interval that no single entry covers.
IN_PARTS = "it was loaded in parts, by other intervals than those of the table file now"


class Verdict(StrEnum):
    """The verdict on an interval. The values are stored in `daybook.audits`."""

    EQUAL = "equal"
    NEVER_LOADED = "never loaded"
    SOURCE_CHANGED = "source changed since"
    WAREHOUSE_ALTERED = "warehouse altered"
    BOTH = "source changed and warehouse altered"
    DIFFERS = "differs"

    @property
    def is_difference(self) -> bool:
        """Return True if the interval differs from its source. `NEVER_LOADED` is not a difference."""
        return self not in (Verdict.EQUAL, Verdict.NEVER_LOADED)


def ledger_checksum(entry: Entry, interval: Interval, fingerprint: str) -> tuple[Sum | None, str | None]:
    """Return the ledger's checksum of an interval and None, or None and the reason why there is no checksum."""
    if not entry.is_of(interval):
        return None, "it was loaded together with other intervals, without a checksum for each"
    if entry.checksum is None:
        return None, "the ledger has no checksum for it: an older version of Daybook loaded it"
    by, _, sum = entry.checksum.partition(":")
    if by == fingerprint.partition("-")[2]:
        return None, "an older version of Daybook computed the checksum of its load, by MD5 instead of SHA-256"
    if by != fingerprint:
        return None, "the checksum of its load covers other columns, or columns of other types"
    return Sum(entry.rows, int(sum)), None


def is_loaded(interval: Interval, ranges: Sequence[Interval]) -> bool | None:
    """Return True if all of an interval was loaded, None if only a part was, and False if nothing was.

    `ranges` are the loaded ranges, in order, merged so that they do not touch.
    """
    place = bisect_left(ranges, interval.end, key=lambda one: one.start)
    nearest = ranges[place - 1] if place else None
    if nearest is None or not nearest.overlaps(interval):
        return False
    return nearest.contains(interval) or None


def classify(
    source: Sum, ledger: Sum | None, warehouse: Sum, *, loaded: bool | None, moves: bool = False, kept: bool = False
) -> tuple[Verdict, str | None]:
    """Return the verdict on an interval, and a remark on it if there is one.

    Args:
        source: the checksum of its rows in the source.
        ledger: the ledger's checksum of its last load; None if the ledger has none.
        warehouse: the checksum of its rows in the warehouse.
        loaded: True if the ledger has entries for all of the interval, False if it has none. None: it only has
            entries for a part, as after a full refresh before the interval ended.
        moves: True if loads of later intervals move rows out of this one. Then the ledger's checksum shows which side
            changed only if it equals one of them.
        kept: True if loads keep rows in the table that the source has deleted.
    """
    if loaded is None:
        return (Verdict.EQUAL, None) if source == warehouse else (Verdict.NEVER_LOADED, "only a part of it was loaded")
    if not loaded:
        return (Verdict.WAREHOUSE_ALTERED, "no load wrote its rows") if warehouse.rows else (Verdict.NEVER_LOADED, None)
    if source == warehouse:
        return Verdict.EQUAL, None
    if ledger is None:
        return Verdict.DIFFERS, None
    if ledger == warehouse:
        return Verdict.SOURCE_CHANGED, None
    if ledger == source:
        remark = "unless the source deleted rows before that load, which keeps such rows" if kept else None
        return Verdict.WAREHOUSE_ALTERED, remark
    if moves:
        return Verdict.BOTH, "or rows have moved to later intervals since, which this ledger entry does not show"
    return Verdict.BOTH, None
