"""One week of one table: the row of `daybook.key_metrics`, and how it is computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from daybook.definitions.table import Table
from daybook.ledger.week_activity import WeekActivity
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.monitoring.freshness import Due
from daybook.monitoring.key_metrics.lateness import delays, oldest
from daybook.monitoring.key_metrics.recovery import Outage, recovery
from daybook.monitoring.key_metrics.run_counts import ReportedRuns, count_runs


@dataclass(frozen=True, slots=True)
class Metrics:
    """One week of one table. None: nothing is known. Shares are from 0 to 1; what counts minutes says so."""

    week_start: date
    """The Monday that it begins with, in UTC."""
    table: str
    owner: str
    core: bool
    """Whether its file promises a time (`due:`)."""
    runs: int | None
    runs_failed: int | None
    failed_share: float | None
    runs_from: str | None
    """Who told of the runs: prefect, warehouse (the ledger and daybook.failures), or both."""
    intervals_due: int | None
    intervals_in_time: int | None
    sla_attainment: float | None
    incidents: int
    """That began in this week."""
    minutes_to_recovery: float | None
    """The mean of the incidents that were over in this week."""
    slowest_recovery: float | None
    """The longest of them, in minutes."""
    freshness_minutes: float | None
    """The median time from an interval's end to its first commit."""
    oldest_minutes: float | None
    """How far behind the clock its newest rows were at the worst moment."""
    computed_at: datetime


def compute(
    dataset: Dataset,
    week: Interval,
    now: datetime,
    page: WeekActivity,
    promises: Sequence[Due],
    outages: Iterable[Outage],
    told: ReportedRuns,
) -> Metrics:
    """The metrics of a table in `week`, as far as it is over at `now`.

    `promises` may be any that touch the week: those are counted that fell due in it. `outages` are the table's.
    """
    ours = [outage for outage in outages if outage.table == dataset.name]
    since = min([*filter(None, [page.known_since]), *(outage.opened_at for outage in ours)], default=None)
    end = min(week.end, now)
    owed = [promise for promise in promises if since is not None and max(week.start, since) <= promise.due_at < end]
    kept = sum(promise.attained for promise in owed)
    recovered = recovery(week, ours)
    grid = dataset.load_grid
    waits = delays(grid, week, now, since, page.covers) if grid and since else []
    late = [wait.total_seconds() for wait in waits]
    noted = isinstance(dataset, Table)
    runs = count_runs(dataset.name, week, told, page.committed, page.failed, failures_are_noted=noted)
    return Metrics(
        week_start=week.start.date(),
        table=dataset.name,
        owner=dataset.owner,
        core=dataset.due is not None,
        runs=runs.runs,
        runs_failed=runs.failed,
        failed_share=_share(runs.failed, runs.runs),
        runs_from=runs.source,
        intervals_due=len(owed) or None,
        intervals_in_time=kept if owed else None,
        sla_attainment=_share(kept, len(owed)),
        incidents=recovered.incidents,
        minutes_to_recovery=_minutes(recovered.mean),
        slowest_recovery=_minutes(recovered.slowest),
        freshness_minutes=_minutes(timedelta(seconds=median(late))) if late else None,
        oldest_minutes=_minutes(oldest(week, now, page.before, page.commits)),
        computed_at=now,
    )


def _share(part: int | None, all: int | None) -> float | None:
    """To six digits: the warehouses do not agree on how many more they give back."""
    return round(part / all, 6) if all and part is not None else None


def _minutes(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 60, 1)
