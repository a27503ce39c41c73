"""An incident: one problem, from its first failure to its recovery, with all failures in between."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

_IDS = uuid.UUID("5a1c6d0e-6f0b-4b6e-9d3c-0d9a4b1f7c21")
_REMEMBERED = 30  # entries of `seen` and `awaits`: the hourly failures of a weekend still fit in one document


class Kind(StrEnum):
    """The kind of a problem, least severe first. A subject has one incident, of its most severe kind."""

    AT_RISK = "at risk"
    LATE = "late"
    STALE = "stale"
    WARNED = "warned"
    WAITING = "waiting"
    STUCK = "stuck"
    UNSCHEDULED = "unscheduled"
    FAILED = "failed"

    def is_worse_than(self, other: "Kind") -> bool:
        """Return True if this kind deserves a message even though `other` was reported."""
        order = list(Kind)
        return order.index(self) > order.index(other)


@dataclass(frozen=True, slots=True)
class RecoveryCondition:
    """The commit that ends an incident: rows of `table` that the ledger has, committed after `after`.

    `start` and `end` are the range of intervals that failed, in UTC. If both are None, any load or build of the table
    counts. After a failed full refresh of a table with intervals, the range starts with the table, or in year 1.
    """

    table: str
    after: datetime
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. `subject` names the affected table, deployment, lost database or work pool."""

    subject: str
    kind: Kind
    owner: str
    title: str
    since: datetime
    """The time of the first failure."""
    last: datetime
    """The time of the latest failure."""
    times: int = 1
    error: str = ""
    seen: tuple[str, ...] = ()
    """The failures that `times` counts: IDs of run states, or the label of a late interval."""
    awaits: tuple[RecoveryCondition, ...] = ()
    deployment: str | None = None
    """The deployment whose next successful run closes the incident, if it awaits no table."""
    run: str | None = None
    """The ID of the flow run that is stuck or waits, or that failed last."""
    id: str = ""
    """Derived from the subject and the first failure, so opening the incident again gives the same ID."""

    def __post_init__(self) -> None:
        if not self.id:
            first = self.seen[0] if self.seen else self.since.isoformat()
            object.__setattr__(self, "id", str(uuid.uuid5(_IDS, f"{self.subject} {first}")))

    def merged_with(self, other: "Incident") -> "Incident":
        """Return this incident after the failure of `other`, which has the same subject."""
        return replace(
            self,
            kind=other.kind if other.kind.is_worse_than(self.kind) else self.kind,
            last=max(self.last, other.last),
            times=self.times + 1,
            error=other.error or self.error,
            seen=(*self.seen, *other.seen)[-_REMEMBERED:],
            awaits=tuple(_newest([*self.awaits, *other.awaits]))[-_REMEMBERED:],
            deployment=other.deployment or self.deployment,
            run=other.run or self.run,
        )


def _newest(awaited: Iterable[RecoveryCondition]) -> Iterable[RecoveryCondition]:
    """Return one condition for each range: that of its latest failure."""
    return {(one.table, one.start, one.end): one for one in awaited}.values()
