"""The metrics of one table in one week: the row of `daybook.key_metrics`, and its computation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from daybook.ledger.week_activity import WeekActivity
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.monitoring.freshness import Due
from daybook.monitoring.key_metrics.lateness import delays, oldest
from daybook.monitoring.key_metrics.recovery import Outage, recovery
from daybook.monitoring.key_metrics.run_counts import ReportedRuns, count_runs


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one table in one week. None: no data. Shares are from 0 to 1."""

    week_start: date
    """The Monday, in UTC."""
    table: str
    owner: str
    core: bool
    """True if the table file has `due:`."""
    runs: int | None
    runs_failed: int | None
    failed_share: float | None
    runs_from: str | None
    """The source of the run counts: prefect, warehouse (the ledger and daybook.failures), or both."""
    intervals_due: int | None
    intervals_in_time: int | None
    sla_attainment: float | None
    incidents: int
    """The incidents that began in this week."""
    minutes_to_recovery: float | None
    """The mean time to recovery of the incidents that ended in this week."""
    slowest_recovery: float | None
    """The longest time to recovery in this week, in minutes."""
    freshness_minutes: float | None
    """The median time from the end of an interval to its first commit."""
    oldest_minutes: float | None
    """The greatest age of the newest rows."""
    computed_at: datetime


def compute(
    dataset: Dataset,
    week: Interval,
    now: datetime,
    activity: WeekActivity,
    due: Sequence[Due],
    outages: Iterable[Outage],
    reported: ReportedRuns,
) -> Metrics:
    """Return the metrics of a table in the part of `week` before `now`.

    Args:
        dataset: the table or summary.
        week: the week, in UTC.
        now: an aware datetime.
        activity: the ledger's activity in the week.
        due: the table's deadlines. Those outside of the week are ignored.
        outages: incidents. Those of other tables are ignored.
        reported: the runs that Prefect reports.
    """
    ours = [outage for outage in outages if outage.table == dataset.name]
    since = min([*filter(None, [activity.known_since]), *(outage.opened_at for outage in ours)], default=None)
    end = min(week.end, now)
    counted = [one for one in due if since is not None and max(week.start, since) <= one.due_at < end]
    in_time = sum(one.attained for one in counted)
    recovered = recovery(week, ours)
    grid = dataset.load_grid
    waits = delays(grid, week, now, since, activity.covers) if grid and since else []
    late = [wait.total_seconds() for wait in waits]
    runs = count_runs(dataset.name, week, reported, activity.committed, activity.failed)
    return Metrics(
        week_start=week.start.date(),
        table=dataset.name,
        owner=dataset.owner,
        core=dataset.due is not None,
        runs=runs.runs,
        runs_failed=runs.failed,
        failed_share=_share(runs.failed, runs.runs),
        runs_from=runs.source,
        intervals_due=len(counted) or None,
        intervals_in_time=in_time if counted else None,
        sla_attainment=_share(in_time, len(counted)),
        incidents=recovered.incidents,
        minutes_to_recovery=_minutes(recovered.mean),
        slowest_recovery=_minutes(recovered.slowest),
        freshness_minutes=_minutes(timedelta(seconds=median(late))) if late else None,
        oldest_minutes=_minutes(oldest(week, now, activity.before, activity.commits)),
        computed_at=now,
    )


def _share(part: int | None, all: int | None) -> float | None:
    """Return the share, rounded to six digits, because warehouses differ in the digits after that."""
    return round(part / all, 6) if all and part is not None else None


def _minutes(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 60, 1)
