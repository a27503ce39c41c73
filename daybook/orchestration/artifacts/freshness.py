"""Show the freshness of the tables with `due:` as a Markdown table, for the monitor's artifact."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from daybook.monitoring.freshness import Freshness, State

_SIGNS = {State.FRESH: "🟩", State.LATE: "🟧", State.STALE: "🟥", State.NOT_DUE: "⬜", State.NEVER: "⬜"}


def page(standings: Sequence[Freshness]) -> str:
    """Return the figures and a line for each table, late tables first. Times are on the clock of each table."""
    if not standings:
        return 'No table has a `due:`. Add `due: "10:00"` to a table file to get a message when the table is late.'
    ordered = sorted(standings, key=lambda standing: (not standing.is_late, standing.table))
    head = ["| table | state | due | loaded until | last load |", "|---|---|---|---|---|"]
    top = [f"**{figures(standings)}**", "", "Times are on each table's own clock.", ""]
    return "\n".join([*top, *head, *map(_line, ordered)])


def figures(standings: Sequence[Freshness]) -> str:
    """Return how many tables are late, in one line."""
    late = sum(standing.is_late for standing in standings)
    return f"{late} of {len(standings)} tables {'is' if late == 1 else 'are'} late" if late else "No table is late"


def _line(standing: Freshness) -> str:
    zone = ZoneInfo(standing.timezone)

    def shown(moment: datetime | None) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""

    state = f"{_SIGNS[standing.state if standing.missing or not standing.is_late else State.LATE]} {standing.state}"
    state += f": {standing.label} is missing" if standing.is_late else ""
    due = shown(standing.since or standing.next_due_at or standing.due_at)
    due += f" {standing.timezone}" if due else ""
    return f"| `{standing.table}` | {state} | {due} | {shown(standing.loaded_until)} | {shown(standing.loaded_at)} |"
