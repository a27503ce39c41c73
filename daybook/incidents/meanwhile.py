"""What a failure means for those who read the warehouse: what they see until it is mended, and what waits for it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from daybook.errors import DaybookError
from daybook.ledger import End, Ledger
from daybook.summary.files import read_summary, summary_names
from daybook.tables import TABLES
from daybook.warehouses import Warehouse

_NAMED = 8  # of what waits: more would hide the rest of the message


def readers_see(warehouse: Warehouse, tables: Sequence[str], now: datetime) -> list[str]:
    """A sentence for each of these tables and summaries: which load or build is still to be seen.

    Raises what the warehouse raises when it cannot be asked.
    """
    if not tables:
        return []
    with warehouse.session() as session:
        ends = Ledger(warehouse).ends(session, tables)
    return [_still(table, ends.get(table), now) for table in tables]


def held_back(tables: Sequence[str], folder: Path = TABLES) -> tuple[str, ...]:
    """The summaries below `folder` that depend on these tables, at however many removes, in the order of their builds.

    Found in the text of their SELECTs, without asking a warehouse. Where a file is wrong, nothing is known: none.
    """
    from daybook.summary.graph import order_builds  # which brings the parser of SQL along

    try:
        graph = order_builds([read_summary(name, folder) for name in summary_names(folder)], "postgres")
    except DaybookError:
        return ()
    waiting = {name for table in tables for name in graph.downstream(table)}
    return tuple(name for name in graph.order if name in waiting.difference(tables))


def waits_for_it(names: Sequence[str]) -> str:
    """The sentence about what is held back."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"Held back until then: {', '.join(names[:_NAMED])}{more}."


def _still(table: str, end: End | None, now: datetime) -> str:
    if end is None:
        return f"{table} was never loaded: readers see nothing of it, or what was there before."
    word = "build" if table in summary_names() else "load"
    return f"{table} still shows {day_of(end.loaded_at, now)} {word} ({at(end.loaded_at)})."


def day_of(moment: datetime, now: datetime) -> str:
    """Whose it is, as people say it: "today's", "Tuesday's", and after a week "2021-02-09's"; days are those of UTC."""
    days = (now.astimezone(UTC).date() - moment.astimezone(UTC).date()).days
    if days <= 0:
        return "today's"
    if days == 1:
        return "yesterday's"
    return f"{moment.astimezone(UTC):%A}'s" if days < 7 else f"{moment.astimezone(UTC):%Y-%m-%d}'s"


def at(moment: datetime) -> str:
    """A moment as it stands in a message: `2021-02-09 13:25 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def lasting(seconds: float) -> str:
    """A time span as it stands in a message, in at most two units: "40 s", "12 min", "2 h 5 min", "3 days 4 h"."""
    whole = max(int(seconds), 0)
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        parts = [f"{days} day{'s' * (days != 1)}", f"{hours} h" if hours else ""]
    elif hours:
        parts = [f"{hours} h", f"{minutes} min" if minutes else ""]
    else:
        parts = [f"{minutes} min" if minutes else f"{whole} s"]
    return " ".join(filter(None, parts))
