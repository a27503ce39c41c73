"""Show the key metrics on the run's page: the chart of the core tables, and the figures of all tables."""

import base64
from collections.abc import Sequence
from datetime import date, timedelta

from prefect.artifacts import create_markdown_artifact

from daybook.monitoring.key_metrics.chart import draw
from daybook.monitoring.key_metrics.formatting import core, minutes, of, percent, total
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.orchestration.artifacts.text import page_key


def show(metrics: Sequence[Metrics], week_start: date) -> None:
    """Show the week that begins on `week_start` on the run's page. `metrics` has the weeks before it, too."""
    picture = base64.b64encode(draw(metrics, week_start).encode()).decode()
    chart = f"![In time, week by week](data:image/svg+xml;base64,{picture})"
    page = f"{chart}\n\n{markdown(metrics, week_start)}"
    create_markdown_artifact(page, key=page_key("key-metrics"), description=f"Week of {week_start}")


def markdown(metrics: Sequence[Metrics], week_start: date) -> str:
    """Return the core tables together, then a line for every table: tables with a due time first."""
    core_rows = core(metrics, week_start)
    before = {row.table: row for row in metrics if row.week_start == week_start - timedelta(days=7)}
    others = [row for row in metrics if row.week_start == week_start and not row.core]
    now, then = total(core_rows), total([row for row in before.values() if row.core])
    together = (
        (
            "in time (SLA attainment)",
            percent(now.sla_attainment),
            of(now.in_time, now.due),
            percent(then.sla_attainment),
        ),
        ("runs failed", percent(now.failed_share), of(now.failed, now.runs), percent(then.failed_share)),
        ("tables with a failed run", of(now.tables_failed, now.tables), "", of(then.tables_failed, then.tables)),
        ("slowest recovery", minutes(now.slowest), "", minutes(then.slowest)),
    )
    lines = [
        "| core tables together | this week | | week before |",
        "|---|---:|---|---:|",
        *(f"| {name} | **{value}** | {parts} | {past} |" for name, value, parts, past in together),
        "",
        "| table | in time | before | runs failed | recovered in | fresh in | oldest | runs from |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *(_line(row, before.get(row.table)) for row in [*core_rows, *others]),
        "",
        "Computed from the ledger, `daybook.failures`, `daybook.incidents` and Prefect; kept in `daybook.key_metrics`. "
        "What each figure means: docs/guides/key-metrics.md.",
    ]
    return "\n".join(lines)


def _line(row: Metrics, before: Metrics | None) -> str:
    cells = [
        row.table,
        f"{percent(row.sla_attainment)} ({of(row.intervals_in_time, row.intervals_due)})" if row.intervals_due else "–",
        percent(before.sla_attainment if before else None),
        of(row.runs_failed, row.runs),
        minutes(row.minutes_to_recovery),
        minutes(row.freshness_minutes),
        minutes(row.oldest_minutes),
        row.runs_from or "–",
    ]
    return f"| {' | '.join(cells)} |"
