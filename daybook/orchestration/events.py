"""The event that each commit emits. It can trigger deployments (`triggers:` in prefect.yaml)."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prefect.events import emit_event

from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid

if TYPE_CHECKING:  # a flow imports none of them before it runs
    from daybook.definitions.summary import Summary
    from daybook.ledger.ledger import Entry
    from daybook.load.load import LoadReport
    from daybook.load.planning.plan import Plan
    from daybook.summaries.builder.build import Built

#: The event's name, and the beginning of its resource's id: `daybook.table.raw_data.nps`.
LOADED, RESOURCE = "daybook.table.loaded", "daybook.table."
_MAX_INTERVALS = 1000  # intervals in an event, to keep it small

logger = logging.getLogger("daybook.events")


def emit_loaded(report: "LoadReport", plan: "Plan") -> None:
    """Emit the event for committed intervals of a table. Never raises, because the rows are already committed.

    The payload has `table`; `execution_date`, `until` and `full_refresh` as another flow takes them, on this table's
    clock (the dates are None if the whole table was loaded, and a range around intervals with gaps); `rows`; and the
    first thousand `intervals` as pairs of instants in UTC. `triggers:` in prefect.yaml can pass each of them on:
    docs/guides/triggers.md.
    """
    _emit(report.table, report.strategy, report.entries, report.rows, plan.table.grid, plan.intervals)


def emit_built(built: "Built", summary: "Summary") -> None:
    """Emit the event for a summary if it was built. It is the same event as that of a load."""
    if built.entries:
        intervals = [Interval(entry.start, entry.end) for entry in built.entries if entry.start]
        _emit(built.table, built.entries[0].strategy, built.entries, built.rows, summary.grid, intervals)


def _emit(
    table: str,
    strategy: str,
    entries: "Sequence[Entry]",
    rows: int,
    grid: Grid | None,
    intervals: Sequence[Interval],
) -> None:
    pairs = [[entry.start and entry.start.isoformat(), entry.end.isoformat()] for entry in entries[:_MAX_INTERVALS]]
    emit(
        LOADED,
        {
            "prefect.resource.id": RESOURCE + table,
            "prefect.resource.name": table,
            "daybook.strategy": strategy,
        },
        {
            "table": table,
            "execution_date": grid.label(intervals[0]) if grid and intervals else None,
            "until": grid.until(intervals[-1]) if grid and intervals else None,
            "full_refresh": not intervals,
            "rows": rows,
            "intervals": pairs,
        },
    )


def event_in_target(event: str) -> str:
    """Return the name of an event in the current target: `daybook.dev.table.loaded` for `daybook.table.loaded` in dev.

    So what waits for an event of prod hears of no other target, even if both targets have the same schemas.
    """
    from daybook.definitions.targets.project_target import current_target

    target = current_target()
    return event if target.is_prod else event.replace("daybook.", f"daybook.{target.name}.", 1)


def emit(event: str, resource: dict[str, str], payload: dict[str, Any]) -> None:
    """Emit an event of the current target. If Prefect cannot be reached, log a warning instead."""
    try:
        emit_event(event=event_in_target(event), resource=resource, payload=payload)
    except Exception as error:
        logger.warning(
            "%s: the event of its commit could not be emitted: %s",
            resource["prefect.resource.name"],
            type(error).__name__,
        )
