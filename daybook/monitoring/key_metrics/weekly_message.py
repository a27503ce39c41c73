"""Write the weekly message: the metrics of each core table, compared with the previous week, for a phone screen."""

from collections.abc import Sequence
from datetime import date, timedelta

from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.monitoring.key_metrics.formatting import UNKNOWN, core, minutes, percent, total
from daybook.monitoring.key_metrics.weekly_metrics import Metrics

_TABLES_SHOWN = 10  # tables with a line each; a table with a problem always has one
_ALIKE = 0.1  # a time span that changed by less than this share is not shown as a change


def has_news(metrics: Sequence[Metrics], week_start: date) -> bool:
    """Return True if there is something to say about that week: a table with `due:` was loaded, or failed to."""
    return any(not _unknown(row) for row in core(metrics, week_start))


def weekly(metrics: Sequence[Metrics], week_start: date, link: tuple[str, str] | None = None) -> Notice:
    """Return the message about the week that begins at `week_start`.

    `metrics` also has the rows of the previous week, if there are any. Tables that nothing ever loaded are left out.
    """
    rows = [row for row in core(metrics, week_start) if not _unknown(row)]
    before = {row.table: row for row in core(metrics, week_start - timedelta(days=7))}
    named = [row for place, row in enumerate(rows) if place < _TABLES_SHOWN or not _flawless(row)]
    facts = [(row.table, _line(row, before.get(row.table))) for row in named]
    others = [row.table for row in rows if row not in named]
    if others:
        facts.append(("All in time, no failure", ", ".join(others)))
    return Notice(
        tone=Tone.NOTE,
        title=f"Week of {week_start}: {_headline(rows, list(before.values()))}",
        facts=tuple(facts),
        link=link,
        notes=(
            "In brackets: the previous week, if it was different. Fresh: the median time from the end of an interval "
            "to its load.",
        ),
    )


def _headline(rows: Sequence[Metrics], before: Sequence[Metrics]) -> str:
    if not rows:
        return "no table has a due time"
    now, then = total(rows), total(before)
    if now.sla_attainment is None and now.failed_share is None:
        return "no data about the core tables"
    parts = [f"{_against(percent(now.sla_attainment), percent(then.sla_attainment))} in time"]
    if now.runs:
        failed = f"{percent(now.failed_share)} of runs failed"
        parts.append("no run failed" if not now.failed else failed)
    return ", ".join(parts)


def _line(row: Metrics, before: Metrics | None) -> str:
    """Return the line of a table: `86 % (100 %) in time, 2 of 8 runs failed (0), recovered in 2 h, fresh in 9 h`."""
    parts = []
    if row.sla_attainment is not None:
        parts.append(
            f"{_against(percent(row.sla_attainment), percent(before.sla_attainment) if before else '')} in time"
        )
    if row.runs and row.runs_failed is not None:
        then = UNKNOWN if before is None or before.runs_failed is None else str(before.runs_failed)
        failed = str(row.runs_failed) if row.runs_failed else "none"
        parts.append(f"{failed} of {row.runs:,} runs failed" + _in_brackets(str(row.runs_failed), then))
    for word, now, past in (
        ("recovered", row.minutes_to_recovery, before.minutes_to_recovery if before else None),
        ("fresh", row.freshness_minutes, before.freshness_minutes if before else None),
    ):
        if now is not None:
            alike = past is not None and abs(now - past) <= _ALIKE * past
            parts.append(f"{word} in {_against(minutes(now), minutes(None if alike else past))}")
    return ", ".join(parts) or "no data"


def _against(now: str, then: str) -> str:
    return now + _in_brackets(now, then)


def _in_brackets(now: str, then: str) -> str:
    return f" ({then})" if then not in (UNKNOWN, now) else ""


def _unknown(row: Metrics) -> bool:
    """Return True if nothing ever loaded the table, and nothing has tried to."""
    return row.sla_attainment is None and not (row.runs or row.incidents or row.oldest_minutes)


def _flawless(row: Metrics) -> bool:
    return row.sla_attainment in (None, 1) and not row.runs_failed and not row.incidents
