"""The event that each commit emits, by which deployments can be triggered (`triggers:` in prefect.yaml)."""

import logging

from prefect.events import emit_event

from daybook.load import LoadReport
from daybook.plan import Plan

#: The event's name, and what the id of its resource begins with: `daybook.table.raw_data.nps`.
LOADED, RESOURCE = "daybook.table.loaded", "daybook.table."
_TOLD = 1000  # intervals in an event, which must stay small

logger = logging.getLogger("daybook.events")


def emit_loaded(report: LoadReport, plan: Plan) -> None:
    """Tell Prefect that intervals of a table are committed. Never raises: the rows are there whether or not it hears.

    The payload has `table`; `execution_date`, `until` and `full_refresh` as another flow takes them, on this table's
    clock (the dates are None where the whole table was loaded); `rows`; and the first thousand `intervals` as pairs of
    instants in UTC. `triggers:` in prefect.yaml can hand each of them on: docs/triggers.md.
    """
    intervals = [[entry.start and entry.start.isoformat(), entry.end.isoformat()] for entry in report.entries[:_TOLD]]
    grid = plan.table.grid
    try:
        emit_event(
            event=LOADED,
            resource={
                "prefect.resource.id": RESOURCE + report.table,
                "prefect.resource.name": report.table,
                "daybook.strategy": report.strategy,
            },
            payload={
                "table": report.table,
                "execution_date": grid.label(plan.intervals[0]) if grid and plan.intervals else None,
                "until": grid.label(grid.next(plan.intervals[-1])) if grid and plan.intervals else None,
                "full_refresh": plan.whole,
                "rows": report.rows,
                "intervals": intervals,
            },
        )
    except Exception as error:
        logger.warning("%s: its event could not be emitted: %s", report.table, type(error).__name__)
