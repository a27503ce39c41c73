"""An incident: one thing that is wrong, from its first failure until it is over, however often it fails meanwhile."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

_IDS = uuid.UUID("5a1c6d0e-6f0b-4b6e-9d3c-0d9a4b1f7c21")
_REMEMBERED = 30  # of what was seen and is awaited: a weekend's hourly failures, and one document still holds them


class Kind(StrEnum):
    """What is wrong, the least first: of one subject the worst is told."""

    AT_RISK = "at risk"
    LATE = "late"
    STALE = "stale"
    WARNED = "warned"
    WAITING = "waiting"
    STUCK = "stuck"
    UNSCHEDULED = "unscheduled"
    FAILED = "failed"

    def is_worse_than(self, other: "Kind") -> bool:
        """Whether somebody who was told of the other one has to hear of this one, too."""
        order = list(Kind)
        return order.index(self) > order.index(other)


@dataclass(frozen=True, slots=True)
class RecoveryCondition:
    """What has to be in the ledger for an incident to be over: rows of a table that are committed after `after`.

    `start` and `end` are the stretch of intervals that failed, in UTC; both None: any load or build of the table. Of a
    table that was to be loaded whole, and has intervals, the stretch begins with the table, or with time itself.
    """

    table: str
    after: datetime
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. `subject` is what it is about: a table, a deployment, a lost database, a work pool."""

    subject: str
    kind: Kind
    owner: str
    title: str
    since: datetime
    """When it failed first."""
    last: datetime
    """When it failed last."""
    times: int = 1
    error: str = ""
    seen: tuple[str, ...] = ()
    """What it was told of already: the ids of states of runs, or the label of an interval that is late."""
    awaits: tuple[RecoveryCondition, ...] = ()
    deployment: str | None = None
    """The deployment whose next success ends it, where no table does."""
    run: str | None = None
    """The flow run that is stuck or waits, or that failed last."""
    id: str = ""
    """Made of its subject and of what was seen first: who opens it a second time opens the same."""

    def __post_init__(self) -> None:
        if not self.id:
            first = self.seen[0] if self.seen else self.since.isoformat()
            object.__setattr__(self, "id", str(uuid.uuid5(_IDS, f"{self.subject} {first}")))

    def merged_with(self, other: "Incident") -> "Incident":
        """This incident, once it has failed in the way of `other`, too."""
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
    """Each stretch once, awaited since its last failure."""
    return {(one.table, one.start, one.end): one for one in awaited}.values()
