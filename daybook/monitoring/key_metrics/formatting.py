"""Format the figures for the weekly message, the run's page and its chart."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from daybook.monitoring.incidents.impact import lasting
from daybook.monitoring.key_metrics.weekly_metrics import Metrics

UNKNOWN = "–"


class Total(NamedTuple):
    """The totals of several tables in a week. Shares are from 0 to 1. None: no data."""

    due: int
    in_time: int
    runs: int
    failed: int
    tables: int
    """Tables with known runs."""
    tables_failed: int
    """Tables with at least one failed run."""
    slowest: float | None
    """The longest time to recovery, in minutes."""

    @property
    def sla_attainment(self) -> float | None:
        """Return the intervals in time divided by the intervals that were due."""
        return self.in_time / self.due if self.due else None

    @property
    def failed_share(self) -> float | None:
        """Return the failed runs divided by all runs."""
        return self.failed / self.runs if self.runs else None


def total(metrics: Sequence[Metrics]) -> Total:
    """Return the totals. If the failures of a table are unknown, its runs are not counted either."""
    counted = [(row.runs, row.runs_failed) for row in metrics if row.runs and row.runs_failed is not None]
    return Total(
        due=sum(row.intervals_due or 0 for row in metrics),
        in_time=sum(row.intervals_in_time or 0 for row in metrics),
        runs=sum(runs for runs, _ in counted),
        failed=sum(failed for _, failed in counted),
        tables=len(counted),
        tables_failed=sum(failed > 0 for _, failed in counted),
        slowest=max((row.slowest_recovery for row in metrics if row.slowest_recovery is not None), default=None),
    )


def core(metrics: Iterable[Metrics], week_start: date) -> list[Metrics]:
    """Return the tables with a `due:` in that week, those with the lowest SLA attainment first."""
    rows = [row for row in metrics if row.core and row.week_start == week_start]
    return sorted(rows, key=lambda row: (2.0 if row.sla_attainment is None else row.sla_attainment, row.table))


def percent(share: float | None) -> str:
    """Return the share as text: `86 %`. Only a share of 1 becomes 100 %, and only a share of 0 becomes 0 %."""
    if share is None:
        return UNKNOWN
    return f"{share:.0%}".replace("%", " %") if share in (0, 1) else f"{min(max(round(share * 100), 1), 99)} %"


def of(part: int | None, all: int | None) -> str:
    """Return `6 of 7`, or a dash if one of the two is unknown."""
    return UNKNOWN if part is None or all is None else f"{part:,} of {all:,}"


def minutes(number: float | None) -> str:
    """Return minutes as text: `45 min`, `2 h 5 min`. A dash if the number is unknown."""
    return UNKNOWN if number is None else lasting(number * 60)
