"""Compute the key metrics of the weeks that are over: for BI, for a page with a chart, and for a weekly message."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from pydantic import Field

from daybook.errors import IntervalError
from daybook.model.interval import Interval
from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.chart import WEEKS_SHOWN
from daybook.monitoring.key_metrics.compute import last_weeks
from daybook.monitoring.key_metrics.metrics_table import KeyMetrics
from daybook.monitoring.key_metrics.weekly_message import weekly
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.orchestration.artifacts.key_metrics import show
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.command_line import run
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.metrics.measure import measured, readable
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.parameters import explained, flag
from daybook.orchestration.scheduled_time import scheduled_at

Week = Annotated[
    date | None,
    explained(
        "Any day of the last week to compute; weeks begin on Monday, in UTC. Left out: the last week that was over at "
        "the run's scheduled time.",
        anyOf=[{"type": "string", "format": "date"}, {"type": "null"}],
    ),
]
Weeks = Annotated[
    int,
    Field(ge=1),
    explained("How many weeks to compute anew: that one, and those before it.", type="integer", minimum=1),
]
Tell = Annotated[bool, flag("Send the weekly message, about the last of these weeks.")]


def run_name() -> str:
    """The last week that it computes: `key-metrics 2026-07-20`. What is wrong is shown as it was given."""
    given = (runtime.flow_run.parameters or {}).get("week")
    try:
        week = date.fromisoformat(given) if isinstance(given, str) else given
        return f"key-metrics {choose(week, 1)[0].start:%Y-%m-%d}"
    except (ValueError, IntervalError):
        return f"key-metrics {given}"


@flow(name="key-metrics", flow_run_name=run_name, **retry_options())
def key_metrics(week: Week = None, weeks: Weeks = 2, tell: Tell = False) -> list[Metrics]:
    """Compute failed runs, SLA attainment, time to recovery and freshness of each table and week."""
    chosen = choose(week, weeks)
    metrics = compute(chosen)
    history = write(metrics, chosen[-1])
    show(history, chosen[-1].start.date())
    if tell:
        send(history, chosen[-1].start.date())
    return metrics


def choose(week: date | None, number: int) -> list[Interval]:
    """The weeks to compute, the oldest first.

    Raises:
        IntervalError: that week has not begun.
    """
    meant = scheduled_at() or datetime.now(UTC)
    if week is None:
        return last_weeks(meant, number)
    last = WEEKS.containing(week)
    if last.start >= datetime.now(UTC):
        raise IntervalError(f"the week of {week} begins on {last.start:%Y-%m-%d}: give a day of one that has begun")
    return last_weeks(last.end, number)


@task(name="compute", cache_policy=NO_CACHE)
def compute(weeks: Sequence[Interval]) -> list[Metrics]:
    """Measure every table that has a file, in each of these weeks."""
    with get_client(sync_client=True) as client:
        return measured(client, blocks.warehouse(), readable(), weeks, datetime.now(UTC))


@task(name="write", cache_policy=NO_CACHE)
def write(metrics: Sequence[Metrics], last: Interval) -> list[Metrics]:
    """Write them to `daybook.key_metrics`, and return what it has of the weeks that the chart shows, until `last`."""
    warehouse = blocks.warehouse()
    book = KeyMetrics(warehouse)
    with warehouse.session() as session:
        book.replace(session, metrics)
        history = book.since(session, (last.start - timedelta(weeks=WEEKS_SHOWN - 1)).date())
    get_run_logger().info("%d rows are written to daybook.key_metrics", len(metrics))
    return [row for row in history if row.week_start <= last.start.date()]


def send(metrics: Sequence[Metrics], week_start: date) -> None:
    """Put the weekly message into the outbox, which the monitor empties every quarter of an hour.

    A run that is tried again puts it into the same place, so that it is sent once.
    """
    with get_client(sync_client=True) as client:
        Outbox(client).put(weekly(metrics, week_start, messages.link(runtime.flow_run.id)), scheduled_at())


if __name__ == "__main__":
    run(key_metrics)
