"""The report of a load in Prefect: an artifact and the last log line."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from daybook.errors import SourceIncomplete
from daybook.orchestration.artifacts import checks
from daybook.orchestration.artifacts.text import page_key, printable
from daybook.progress import rate

if TYPE_CHECKING:
    from daybook.load.load import LoadReport

_INTERVALS_SHOWN = 60  # intervals on the page: daybook.ledger has all of them


def show(report: "LoadReport") -> "LoadReport":
    """Write the run's figures to an artifact and a log line. Return the report unchanged.

    Raises:
        SourceIncomplete: the source could not deliver all rows. Those that it delivered are loaded.
    """
    log(report)
    create_markdown_artifact(
        key=page_key("load", report.table),
        markdown=markdown(report),
        description=f"{headline(report)} ({report.table} {report.label})",
    )
    return require_all_rows(report)


def log(report: "LoadReport") -> None:
    """Write a line with the run's figures."""
    logger = get_run_logger()
    if report.note:
        logger.info("%s %s: nothing to do: %s", report.table, report.label, report.note)
    else:
        steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in report.seconds.items())
        logger.info("%s %s: %s, %s", report.table, report.label, report.counted_rows, steps)


def require_all_rows(report: "LoadReport") -> "LoadReport":
    """Return the report unchanged. Raises `SourceIncomplete` as `show`."""
    if report.shortfalls:
        raise SourceIncomplete(
            "\n- ".join([f"{report.table} {report.label}: {report.rows:,} rows are loaded, but:", *report.shortfalls])
        )
    return report


def show_all(reports: "Sequence[LoadReport]", failed: Mapping[str, str]) -> None:
    """Write one artifact for a run of several tables, with the outcome of each. `failed` has the errors by table."""
    rows = [
        (one.table, f"{one.label}", f"{one.rows:,}", f"{sum(one.seconds.values()):,.1f}", headline(one))
        for one in reports
    ]
    rows += [(table, "", "", "", f"❌ {error}") for table, error in failed.items()]
    cells = [" | ".join(printable(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in sorted(rows)]
    lines = [
        "| table | loaded | rows | seconds | outcome |",
        "|---|---|---:|---:|---|",
        *(f"| {row} |" for row in cells),
    ]
    summary = f"{len(reports)} tables are loaded" + (f", {len(failed)} failed" if failed else "")
    create_markdown_artifact(
        key="load-of-tables", markdown="\n".join([f"**{summary}**", "", *lines]), description=summary
    )


def headline(report: "LoadReport") -> str:
    """Return the figures for the artifact's card, in one line: `2,599 rows in 4.2 s, 3 checks passed`."""
    if report.note:
        return f"nothing to do: {report.note}"
    figures = [f"{report.counted_rows} in {sum(report.seconds.values()):,.1f} s"]
    return ", ".join([*figures, *([checks.counted(report.checks)] if report.checks else [])])


def markdown(report: "LoadReport") -> str:
    """Return the artifact's text: the totals, the seconds of each step, and a line for each interval."""
    if report.note:
        lines = [f"Nothing to do: {report.note}."]
    else:
        intervals = f"{len(report.entries):,} interval{'s' * (len(report.entries) != 1)}"
        lines = [
            f"**{report.rows:,} rows** of {intervals}, by `{report.strategy}`; {report.bytes:,} bytes on the stage."
        ]
        if report.counted_rows != f"{report.rows:,} rows":
            lines.append(f"The load read {report.counted_rows}.")
        lines += ["", "| step | seconds | rate |", "|---|---:|---:|"]
        lines += [f"| {step} | {s:,.1f} | {rate(report.rows, s)} |" for step, s in report.seconds.items()]
    lines += checks.lines(report.checks)
    lines += ["", *(f"- {notice}" for notice in report.notices)] if report.notices else []
    if not report.entries:
        return lines[0]
    lines += ["", "| from (UTC) | until (UTC) | rows |", "|---|---|---:|"]
    for entry in report.entries[:_INTERVALS_SHOWN]:
        start = f"{entry.start:%Y-%m-%d %H:%M}" if entry.start else "the beginning"
        lines.append(f"| {start} | {entry.end:%Y-%m-%d %H:%M} | {entry.rows:,} |")
    if len(report.entries) > _INTERVALS_SHOWN:
        lines.append(f"| … | {len(report.entries) - _INTERVALS_SHOWN:,} more, in daybook.ledger | |")
    return "\n".join(lines)
