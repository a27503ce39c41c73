"""The incidents of a table in a week, and the time to recovery."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from daybook.model.interval import Interval
from daybook.monitoring.incidents.incident import Kind

#: These kinds need no recovery: the table was loaded, or can still be in time.
_HARMLESS = {Kind.AT_RISK, Kind.WARNED}


class Outage(NamedTuple):
    """An incident of a table. Instants are in UTC. `recovered_at` is None while it is open."""

    table: str
    kind: str
    opened_at: datetime
    recovered_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Return True if the incident counts as a failure. A run at risk or a check that warns does not."""
        return self.kind not in _HARMLESS


@dataclass(frozen=True, slots=True)
class Recovery:
    """The incidents that began in a week, and the mean and longest time to recovery of those that ended in it."""

    incidents: int
    mean: timedelta | None
    slowest: timedelta | None


def recovery(week: Interval, outages: Iterable[Outage]) -> Recovery:
    """Count the incidents that began in `week`, and time those that ended in it.

    Each incident begins in one week and ends in one week, so the figures of a week that is over do not change.
    """
    counted = [outage for outage in outages if outage.counts]
    took = [
        outage.recovered_at - outage.opened_at
        for outage in counted
        if outage.recovered_at is not None and week.start <= outage.recovered_at < week.end
    ]
    begun = sum(week.start <= outage.opened_at < week.end for outage in counted)
    return Recovery(begun, sum(took, timedelta()) / len(took) if took else None, max(took, default=None))
