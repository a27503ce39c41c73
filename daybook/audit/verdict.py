"""What happened to an interval, by its three sides: the source, the ledger and the warehouse."""

from bisect import bisect_left
from collections.abc import Sequence
from enum import StrEnum

from daybook.ledger.ledger import Entry
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum

#: Why the ledger cannot say what was committed of an interval that no single entry covers.
IN_PARTS = "it was loaded in parts, by intervals other than the table file has now"


class Verdict(StrEnum):
    """Of an interval."""

    EQUAL = "equal"
    NEVER_LOADED = "never loaded"
    SOURCE_CHANGED = "source changed since"
    WAREHOUSE_ALTERED = "warehouse altered"
    BOTH = "source changed and warehouse altered"
    DIFFERS = "differs"

    @property
    def is_difference(self) -> bool:
        """Whether an interval that was loaded, or has rows, is not what its source has."""
        return self not in (Verdict.EQUAL, Verdict.NEVER_LOADED)


def ledger_checksum(entry: Entry, interval: Interval, fingerprint: str) -> tuple[Sum | None, str | None]:
    """What the ledger says was committed of an interval; None where it cannot say, and then why."""
    if not entry.is_of(interval):
        return None, "it was loaded together with others, and none of them has a checksum of its own"
    if entry.checksum is None:
        return None, "the ledger has no checksum of it: an older Daybook loaded it"
    by, _, sum = entry.checksum.partition(":")
    if by != fingerprint:
        return None, "other columns, or columns of other types, were compared when it was loaded"
    return Sum(entry.rows, int(sum)), None


def is_loaded(interval: Interval, stretches: Sequence[Interval]) -> bool | None:
    """Whether all of an interval was loaded, by the stretches that were, which are in order and apart; None: a part."""
    place = bisect_left(stretches, interval.end, key=lambda stretch: stretch.start)
    nearest = stretches[place - 1] if place else None
    if nearest is None or not nearest.overlaps(interval):
        return False
    return nearest.contains(interval) or None


def classify(
    source: Sum, ledger: Sum | None, warehouse: Sum, *, loaded: bool | None, moves: bool = False, kept: bool = False
) -> tuple[Verdict, str | None]:
    """Return the verdict on an interval, and a remark on it if there is one.

    Args:
        source: the checksum of its rows in the source.
        ledger: the checksum that the ledger has of its load; None if the ledger cannot say.
        warehouse: the checksum of its rows in the warehouse.
        loaded: whether the ledger has entries for all of the interval. None: only for a part of it, as after a full
            refresh before the interval was over.
        moves: whether loads of later intervals take rows out of this one. Then the ledger's checksum tells which side
            changed only while it equals one of them.
        kept: whether loads leave rows in the table that are gone from the source.
    """
    if loaded is None:
        return (Verdict.EQUAL, None) if source == warehouse else (Verdict.NEVER_LOADED, "only a part of it was loaded")
    if not loaded:
        return (Verdict.WAREHOUSE_ALTERED, "no load put rows there") if warehouse.rows else (Verdict.NEVER_LOADED, None)
    if source == warehouse:
        return Verdict.EQUAL, None
    if ledger is None:
        return Verdict.DIFFERS, None
    if ledger == warehouse:
        return Verdict.SOURCE_CHANGED, None
    if ledger == source:
        remark = "unless deleted at the source before that load, which leaves such rows" if kept else None
        return Verdict.WAREHOUSE_ALTERED, remark
    if moves:
        return Verdict.BOTH, "or rows have moved on to later intervals, which this entry of the ledger cannot know"
    return Verdict.BOTH, None
