"""How many runs of a table ended in a week, and how many of them failed.

Prefect knows its runs, but its database may be new, or have been emptied. Then the warehouse alone tells: a run that
committed is in the ledger, one that failed is in daybook.failures. A run is the same one in both by its id.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from daybook.model.interval import Interval

Source = Literal["prefect", "warehouse", "both"]


class Run(NamedTuple):
    """A run of a table that has ended, by Prefect; the instant is in UTC. One that was cancelled is none of them."""

    id: str
    table: str
    failed: bool
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class ReportedRuns:
    """What Prefect tells of the runs that ended in a stretch of time."""

    runs: tuple[Run, ...] = ()
    backfills: frozenset[str] = frozenset()
    """The ids of a backfill's own runs, which count nowhere: one bad day among a thousand would be ten failures."""
    since: datetime | None = None
    """How far back it remembers runs, in UTC; None: it remembers none."""


@dataclass(frozen=True, slots=True)
class Count:
    """The runs of a table in a week; None where nothing is known. `source` is who told."""

    runs: int | None = None
    failed: int | None = None
    source: Source | None = None


def count_runs(
    table: str, week: Interval, told: ReportedRuns, committed: Set[str], failed: Set[str], *, failures_are_noted: bool
) -> Count:
    """Count the runs of `table` that ended in `week`.

    `committed` and `failed` are the ids of the runs that the ledger and daybook.failures name in that week.
    `failures_are_noted` says whether the warehouse would know of a failed run at all (it does not of a summary's).
    """
    known = {run.id: run for run in told.runs if run.table == table}
    here = {run.id for run in known.values() if week.start <= run.ended_at < week.end}
    wrong = {id for id in here if known[id].failed} | failed
    # What committed as the week ended, and ended after it, is a run of the next week: Prefect says so.
    everyone = (here | wrong | (committed - known.keys())) - told.backfills
    if told.since is not None and told.since <= week.start:
        return Count(len(everyone), len(wrong - told.backfills), "prefect")
    if not everyone:
        return Count()
    source: Source = "both" if here - told.backfills else "warehouse"
    return Count(len(everyone), len(wrong - told.backfills) if failures_are_noted else None, source)
