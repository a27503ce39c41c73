"""Choose the intervals that a repair reloads, and refuse to repair too many."""

import math
from collections.abc import Sequence

from daybook.audit.interval_audit import Audited
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import RepairRefused
from daybook.model.interval import Interval

#: The largest share of the loaded intervals that a repair may reload.
MAX_REPAIR = 0.1
_DIGITS = 9  # 0.07 * 100 is 7.000000000000001 in floats


def to_repair(table: Table, found: Sequence[Audited], max_repair: float) -> list[Interval]:
    """Return the intervals to repair, in order: those that differ, and those that were never loaded.

    Args:
        table: the table.
        found: the results of the audit.
        max_repair: the share of the loaded intervals that may differ, from 0 to 1. The number of intervals is rounded
            up, so a share above 0 always allows one. Intervals that were never loaded do not count: loading them does
            not rewrite history.

    Raises:
        RepairRefused: more intervals differ than `max_repair` allows.
    """
    if why := refusal(table, found, max_repair):
        raise RepairRefused(why)
    return [one.interval for one in found if one.verdict is not Verdict.EQUAL]


def refusal(table: Table, found: Sequence[Audited], max_repair: float) -> str | None:
    """Return the reason to refuse a repair, with the `max_repair` that would allow it. None: it is allowed."""
    assert table.grid is not None
    loaded = sum(one.verdict is not Verdict.NEVER_LOADED for one in found)
    differing = [one for one in found if one.verdict.is_difference]
    allowed = math.ceil(round(max_repair * loaded, _DIGITS))
    if len(differing) <= allowed:
        return None
    share = math.ceil(1000 * len(differing) / loaded) / 1000
    label = table.label([found[0].interval, found[-1].interval])
    return (
        f"{table.name} {label}: {len(differing):,} of {table.grid.counted(loaded)} that were loaded differ, but "
        f"max_repair={max_repair:g} allows a repair to reload only {allowed:,}. Nothing was repaired. Many "
        "differences at once often have one cause: a changed column type, time zone or mask. Check some of the rows "
        f"first: reconcile shows their keys. To reload all of them, pass max_repair={share:g}"
    )
