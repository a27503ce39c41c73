"""Compute the metrics of all tables in a week from the warehouse and from the runs that Prefect reports."""

from collections.abc import Sequence
from datetime import datetime

from daybook.ledger.week_activity import read_week
from daybook.model.dataset import Dataset
from daybook.model.interval import Interval
from daybook.monitoring.freshness import attainment
from daybook.monitoring.incidents.incident_log import IncidentLog
from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.recovery import Outage
from daybook.monitoring.key_metrics.run_counts import ReportedRuns
from daybook.monitoring.key_metrics.weekly_metrics import Metrics, compute
from daybook.warehouses.base import Warehouse


def measure(
    warehouse: Warehouse,
    among: Sequence[Dataset],
    week: Interval,
    now: datetime,
    reported: ReportedRuns = ReportedRuns(),  # noqa: B008  # it is frozen
    open_incidents: Sequence[Outage] = (),
) -> list[Metrics]:
    """Return the metrics of these tables in the part of `week` before `now` (an aware datetime).

    Raises:
        Exception: the driver's error, if the warehouse cannot be read.
    """
    so_far = Interval(week.start, min(week.end, now))
    with warehouse.session() as session:
        found = read_week(session, warehouse, [dataset.name for dataset in among], week)
        outages = [
            Outage(closed.subject, closed.kind, closed.opened_at, closed.recovered_at)
            for closed in IncidentLog(warehouse).between(session, week.start, max(now, week.end))
        ]
        outages += open_incidents
        return [
            compute(
                dataset,
                week,
                now,
                found[dataset.name],
                attainment(session, warehouse, dataset, so_far) if dataset.due else (),
                outages,
                reported,
            )
            for dataset in among
        ]


def last_weeks(now: datetime, number: int) -> list[Interval]:
    """Return the last `number` weeks that are over at `now` (an aware datetime), the oldest first."""
    weeks = [WEEKS.last_complete(now)]
    while len(weeks) < number:
        weeks.insert(0, WEEKS.previous(weeks[0]))
    return weeks
