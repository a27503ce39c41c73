"""Show a dry run: what would happen to each interval, and its row counts in the source and in the ledger."""

from collections.abc import Sequence

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact

from daybook.audit.interval_audit import Audited
from daybook.backfill.dry_run import Forecast
from daybook.definitions.table import Table
from daybook.orchestration.artifacts.audit import number
from daybook.orchestration.artifacts.calendar_grid import SQUARES, calendar
from daybook.orchestration.artifacts.text import one_line, page_key

_INTERVALS_SHOWN = 1000  # intervals on the page
_INTERVALS_LOGGED = 40  # intervals in the log
_COUNTED = "rows in the source | rows in the ledger | difference |"


def show(table: Table, forecasts: list[Forecast], label: str, refusal: str | None = None) -> list[Forecast]:
    """Show the forecasts on the run's page, and the first of them in its log. Return them unchanged.

    `refusal` is the reason why the backfill would be refused, or None.
    """
    described = f"{headline(table, forecasts)} ({label})"
    above = f"**The backfill would be refused:** {one_line(refusal)}\n\n" if refusal else ""
    page, log = (above + markdown(table, forecasts, shown) for shown in (_INTERVALS_SHOWN, _INTERVALS_LOGGED))
    create_markdown_artifact(markdown=page, key=page_key("backfill-dry-run"), description=described)
    get_run_logger().info("%s, a dry run: nothing was loaded\n%s", label, log)
    return forecasts


def headline(table: Table, forecasts: Sequence[Forecast]) -> str:
    """Return how many intervals would be loaded, and how many rows, if the source can count them all."""
    assert table.grid is not None
    counts = [forecast.at_source for forecast in forecasts if forecast.chosen]
    counted = [count for count in counts if count is not None]
    rows = f", {sum(counted):,} rows" if len(counted) == len(counts) else ""
    return f"{len(counts):,} of {table.grid.counted(len(forecasts))} would be loaded{rows}"


def markdown(table: Table, forecasts: Sequence[Forecast], shown: int = _INTERVALS_SHOWN) -> str:
    """Return the totals, the calendar as it is now, and a line for each interval."""
    grid = table.grid
    assert grid is not None
    audited = any(forecast.audited for forecast in forecasts)
    lines = [
        f"**{table.name}**: {headline(table, forecasts)}",
        "",
        calendar(grid, [(forecast.status.interval, forecast.status.state) for forecast in forecasts], SQUARES),
        "",
        f"| {grid.unit} | is | would | "
        + ("source | ledger | to be added | changed | removed | audit |" if audited else _COUNTED),
        "|---|---|---|---:|---:|---:|" + "---:|---:|---|" * audited,
    ]
    for forecast in forecasts[:shown]:
        lines.append(
            f"| {grid.label(forecast.status.interval)} | {forecast.status.state} | {forecast.action} "
            f"| {'' if forecast.at_source is None else f'{forecast.at_source:,}'} "
            f"| {'' if forecast.by_ledger is None else f'{forecast.by_ledger:,}'} "
            + (_view(forecast.audited) if forecast.audited else f"| {_more(forecast.difference)} |")
        )
    if len(forecasts) > shown:
        lines.append(f"| … | {len(forecasts) - shown:,} more | | | | |" + " | | |" * audited)
    if any(forecast.chosen and forecast.at_source is None for forecast in forecasts):
        lines += ["", "No rows in the source: the source cannot count them without loading them."]
    if any(forecast.by_ledger is None for forecast in forecasts):
        lines += [
            "",
            "No rows in the ledger: a full refresh loaded the interval, and has one row count for all.",
        ]
    removed = any(one.audited and one.audited.differences.removed for one in forecasts)
    if removed and not table.strategy.removes_rows:
        lines += ["", f"Only select=differing (or `exact`) removes rows: `load: {table.load}` alone removes none."]
    return "\n".join(lines)


def _more(difference: int | None) -> str:
    return "" if difference is None else f"{difference:+,}" if difference else "0"


def _view(audited: Audited) -> str:
    """Return the audit's cells of a line: the rows that an exact load would add, change and remove, and the verdict."""
    found = audited.differences
    rows = [number(count, found.exact) for count in (found.added, found.changed, found.removed)]
    return f"| {' | '.join(rows)} | {audited.verdict} |"
