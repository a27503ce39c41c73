"""How often something was wrong with a table in a week, and how long it took until it was right again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from daybook.model.interval import Interval
from daybook.monitoring.incidents.incident import Kind

#: Of these nobody has to recover: the table was loaded, or still may be in time.
_HARMLESS = {Kind.AT_RISK, Kind.WARNED}


class Outage(NamedTuple):
    """An incident of a table; instants are in UTC. `recovered_at` None: it is not over."""

    table: str
    kind: str
    opened_at: datetime
    recovered_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether the table failed: a run that may be late, or a check that warns, is no failure."""
        return self.kind not in _HARMLESS


@dataclass(frozen=True, slots=True)
class Recovery:
    """How many incidents began in a week; mean and longest time to recovery of those that were over in it."""

    incidents: int
    mean: timedelta | None
    slowest: timedelta | None


def recovery(week: Interval, outages: Iterable[Outage]) -> Recovery:
    """Count the incidents that began in `week`, and time those that were over in it: each once, in a single week."""
    counted = [outage for outage in outages if outage.counts]
    took = [
        outage.recovered_at - outage.opened_at
        for outage in counted
        if outage.recovered_at is not None and week.start <= outage.recovered_at < week.end
    ]
    begun = sum(week.start <= outage.opened_at < week.end for outage in counted)
    return Recovery(begun, sum(took, timedelta()) / len(took) if took else None, max(took, default=None))
