"""The steps of the flow `key-metrics`: choose the weeks, compute their metrics, write them, and send the message."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from prefect import get_run_logger, runtime
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

from daybook.errors import IntervalError
from daybook.model.interval import Interval
from daybook.monitoring.key_metrics import WEEKS
from daybook.monitoring.key_metrics.chart import WEEKS_SHOWN
from daybook.monitoring.key_metrics.compute import last_weeks
from daybook.monitoring.key_metrics.metrics_table import KeyMetrics
from daybook.monitoring.key_metrics.weekly_message import has_news, weekly
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.flow import task
from daybook.orchestration.metrics.measure import measured, readable
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.scheduled_time import scheduled_at


def run_name() -> str:
    """Return the run's name, with its last week: `key-metrics 2026-07-20`. An invalid week is shown as given."""
    given = (runtime.flow_run.parameters or {}).get("week")
    try:
        week = date.fromisoformat(given) if isinstance(given, str) else given
        return f"key-metrics {choose(week, 1)[0].start:%Y-%m-%d}"
    except (ValueError, IntervalError):
        return f"key-metrics {given}"


def choose(week: date | None, number: int) -> list[Interval]:
    """Return `number` weeks, oldest first. The last contains the day `week`, or by default is the last complete week.

    Raises:
        IntervalError: that week has not begun.
    """
    moment = scheduled_at() or datetime.now(UTC)
    if week is None:
        return last_weeks(moment, number)
    last = WEEKS.containing(week)
    if last.start >= datetime.now(UTC):
        raise IntervalError(f"the week of {week} begins on {last.start:%Y-%m-%d}: give a day of a week that has begun")
    return last_weeks(last.end, number)


@task(name="compute", cache_policy=NO_CACHE)
def compute(weeks: Sequence[Interval]) -> list[Metrics]:
    """Measure every table that has a file, in each of these weeks."""
    with get_client(sync_client=True) as client:
        return measured(client, blocks.warehouse(), readable(), weeks, datetime.now(UTC))


@task(name="write", cache_policy=NO_CACHE)
def write(metrics: Sequence[Metrics], last: Interval) -> list[Metrics]:
    """Write the metrics to `daybook.key_metrics`, and return those of the weeks that the chart shows, until `last`."""
    warehouse = blocks.warehouse()
    book = KeyMetrics(warehouse)
    with warehouse.session() as session:
        book.replace(session, metrics)
        history = book.since(session, (last.start - timedelta(weeks=WEEKS_SHOWN - 1)).date())
    get_run_logger().info("wrote %d rows to daybook.key_metrics", len(metrics))
    return [row for row in history if row.week_start <= last.start.date()]


def send(metrics: Sequence[Metrics], week_start: date) -> None:
    """Put the weekly message into the outbox, which the monitor delivers every quarter of an hour.

    A retried run replaces its own message, so the message is sent once. If no table with `due:` was ever loaded, there
    is no message.
    """
    if not has_news(metrics, week_start):
        get_run_logger().info("no message: no table with `due:` was loaded so far, and none failed")
        return
    with get_client(sync_client=True) as client:
        Outbox(client).put(weekly(metrics, week_start, messages.link(runtime.flow_run.id)), scheduled_at())
