"""Count the runs of a table that ended in a week, and those that failed.

Prefect has all runs, but its database may be new or may have been emptied. Then the counts come from the warehouse: the
ledger has the runs that committed, and `daybook.failures` has those that failed. Runs are matched by their ID.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from daybook.model.interval import Interval

Source = Literal["prefect", "warehouse", "both"]


class Run(NamedTuple):
    """A run of a table that has ended, as Prefect reports it. The instant is in UTC. Cancelled runs are left out."""

    id: str
    table: str
    failed: bool
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class ReportedRuns:
    """The runs that Prefect reports for a time range."""

    runs: tuple[Run, ...] = ()
    backfills: frozenset[str] = frozenset()
    """The IDs of the runs of backfills. They are not counted: bisecting to one bad day would count as ten failures."""
    since: datetime | None = None
    """The start of Prefect's history, in UTC. None: it has no runs."""


@dataclass(frozen=True, slots=True)
class Count:
    """The runs of a table in a week, and where the counts come from. None: no data."""

    runs: int | None = None
    failed: int | None = None
    source: Source | None = None


def count_runs(
    table: str,
    week: Interval,
    reported: ReportedRuns,
    committed: Set[str],
    failed: Set[str],
) -> Count:
    """Count the runs of `table` that ended in `week`.

    Args:
        table: the table or summary.
        week: the week, in UTC.
        reported: the runs that Prefect reports.
        committed: the IDs of the runs that the ledger has for that week.
        failed: the IDs of the runs that `daybook.failures` has for that week.
    """
    runs = {run.id: run for run in reported.runs if run.table == table}
    ended = {run.id for run in runs.values() if week.start <= run.ended_at < week.end}
    failures = {id for id in ended if runs[id].failed} | failed
    # A run that committed in this week can end in the next one. Prefect knows, so it is counted there.
    counted = (ended | failures | (committed - runs.keys())) - reported.backfills
    if reported.since is not None and reported.since <= week.start:
        return Count(len(counted), len(failures - reported.backfills), "prefect")
    if not counted:
        return Count()
    source: Source = "both" if ended - reported.backfills else "warehouse"
    return Count(len(counted), len(failures - reported.backfills), source)
