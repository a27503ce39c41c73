"""The return value of the flow `reconcile`."""

from dataclasses import dataclass

from daybook.audit.interval_audit import Audited
from daybook.audit.table_audit import AuditedRange
from daybook.model.interval import Interval


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The last finding for each interval, in order, and the intervals that were repaired before it.

    For a table that was compared whole, `ranges` has the finding for each range of its key.
    """

    table: str
    found: tuple[Audited, ...] = ()
    repaired: tuple[Interval, ...] = ()
    ranges: tuple[AuditedRange, ...] = ()
