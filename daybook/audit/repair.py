"""Which intervals a repair loads again, and when it would be so many that nobody should without a second look."""

import math
from collections.abc import Sequence

from daybook.audit.interval_audit import Audited
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import RepairRefused
from daybook.model.interval import Interval

#: The share of the intervals which had been loaded that a repair may load again.
MAX_REPAIR = 0.1
_DIGITS = 9  # 0.07 of 100 is 7, and 7.000000000000001 in floats


def to_repair(table: Table, found: Sequence[Audited], max_repair: float) -> list[Interval]:
    """The intervals that are not equal, in order: those that differ, and those that were never loaded.

    Takes what an audit found, and the share (0 to 1, rounded up, so that one always may) of the intervals that had been
    loaded which may differ. Those never loaded do not count: to fill them rewrites no history.

    Raises:
        RepairRefused: more than that differ.
    """
    if why := refusal(table, found, max_repair):
        raise RepairRefused(why)
    return [one.interval for one in found if one.verdict is not Verdict.EQUAL]


def refusal(table: Table, found: Sequence[Audited], max_repair: float) -> str | None:
    """Why a repair of what was found would be refused, and what to pass to have it all the same; None: it is not."""
    assert table.grid is not None
    loaded = sum(one.verdict is not Verdict.NEVER_LOADED for one in found)
    differing = [one for one in found if one.verdict.is_difference]
    allowed = math.ceil(round(max_repair * loaded, _DIGITS))
    if len(differing) <= allowed:
        return None
    share = math.ceil(1000 * len(differing) / loaded) / 1000
    label = table.label([found[0].interval, found[-1].interval])
    return (
        f"{table.name} {label}: {len(differing):,} of {table.grid.counted(loaded)} that were loaded differ, and "
        f"max_repair={max_repair:g} lets a repair load {allowed:,} of them again; nothing is repaired. So many at once "
        "are seldom mistakes of single rows: has the type of a column changed, a time zone, a mask? Look at some of "
        f"the rows first: reconcile shows their keys. To load them all again, pass max_repair={share:g}"
    )
