"""The metrics of a daily table in a week without problems. Tests vary it."""

from datetime import UTC, date, datetime

from daybook.monitoring.key_metrics.weekly_metrics import Metrics

MONDAY = date(2026, 7, 20)
GOOD = Metrics(
    week_start=MONDAY,
    table="raw_data.nps",
    owner="data-team",
    core=True,
    runs=7,
    runs_failed=0,
    failed_share=0.0,
    runs_from="prefect",
    intervals_due=7,
    intervals_in_time=7,
    sla_attainment=1.0,
    incidents=0,
    minutes_to_recovery=None,
    slowest_recovery=None,
    freshness_minutes=545.0,
    oldest_minutes=1985.0,
    computed_at=datetime(2026, 7, 27, 8, 10, tzinfo=UTC),
)
