"""Describe the impact of a failure: what readers of the warehouse see until it is fixed, and what is blocked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import table_names
from daybook.errors import DaybookError
from daybook.ledger.ledger import Coverage, Ledger
from daybook.warehouses.base import Warehouse

if TYPE_CHECKING:
    from daybook.summaries.graph import Graph

#: sqlglot's own dialect, which reads most SQL. Used if the warehouse does not answer.
_ANY_DIALECT = ""
_TABLES_SHOWN = 8
_SUMMARIES_SHOWN = 8  # blocked summaries in a message: more would hide the rest of the message


class Impact:
    """The impact of tables or summaries that failed or are late, all at one moment.

    Reads the warehouse once, in one session, and the summaries once, when they are first needed.
    """

    def __init__(self, warehouse: Warehouse | None, now: datetime, folder: Path | None = None) -> None:
        """`warehouse` is None if it does not answer. `folder` has the table and summary files."""
        self._warehouse, self._now, self._folder = warehouse, now, folder

    def visible_data(self, tables: Sequence[str]) -> list[str]:
        """Return a sentence for each of the first tables that names the load or build that readers still see.

        If the warehouse does not answer, return one sentence for all of them.
        """
        if not tables:
            return []
        if self._ends is None:
            return ["The warehouse does not answer now, so readers see no change."]
        more = len(tables) - _TABLES_SHOWN
        shown = [_still(table, self._ends.get(table), self._now) for table in tables[:_TABLES_SHOWN]]
        return [*shown, f"{more} more tables are not loaded."] if more > 0 else shown

    def blocked_summaries(self, tables: Sequence[str]) -> list[str]:
        """Return the sentence about the summaries that depend on `tables`, directly or not; empty if there are none.

        The dependencies come from the text of the SELECTs, not from a warehouse. If a file is wrong, return none.
        """
        if not tables or self._graph is None:
            return []
        reached = {name for table in tables for name in self._graph.downstream(table)}
        waiting = [name for name in self._graph.order if name in reached.difference(tables)]
        more = f" and {len(waiting) - _SUMMARIES_SHOWN} more" if len(waiting) > _SUMMARIES_SHOWN else ""
        return [f"Blocked until then: {', '.join(waiting[:_SUMMARIES_SHOWN])}{more}."] if waiting else []

    @cached_property
    def _ends(self) -> Mapping[str, Coverage] | None:
        if self._warehouse is None:
            return None
        names = [*table_names(self._folder), *summary_names(self._folder)]
        try:
            with self._warehouse.session() as session:
                return Ledger(self._warehouse).ends(session, names)
        except Exception:  # the warehouse was just lost; the failure must still be reported
            return None

    @cached_property
    def _graph(self) -> "Graph | None":
        from daybook.summaries.graph import order_builds  # imports the SQL parser, which is slow

        try:
            summaries = [read_summary(name, self._folder) for name in summary_names(self._folder)]
            warehouse = self._warehouse if self._ends is not None else None
            dialect = warehouse.sqlglot_dialect if warehouse else _ANY_DIALECT
            return order_builds(summaries, dialect)
        except DaybookError:
            return None


def _still(table: str, end: Coverage | None, now: datetime) -> str:
    if end is None:
        return f"{table} has never been loaded: readers see no rows, or rows from before Daybook."
    word = "build" if table in summary_names() else "load"
    return f"{table} still shows {day_of(end.loaded_at, now)} {word} ({at(end.loaded_at)})."


def day_of(moment: datetime, now: datetime) -> str:
    """Return the day of `moment`, in UTC, as people say it: "today's", "Tuesday's", after a week "2021-02-09's"."""
    days = (now.astimezone(UTC).date() - moment.astimezone(UTC).date()).days
    if days <= 0:
        return "today's"
    if days == 1:
        return "yesterday's"
    return f"{moment.astimezone(UTC):%A}'s" if days < 7 else f"{moment.astimezone(UTC):%Y-%m-%d}'s"


def at(moment: datetime) -> str:
    """Return a moment as text for a message: `2021-02-09 13:25 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def lasting(seconds: float) -> str:
    """Return a time span as text, in at most two units: "40 s", "12 min", "2 h 5 min", "3 days 4 h"."""
    whole = max(int(seconds), 0)
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    if days:
        parts = [f"{days} day{'s' * (days != 1)}", f"{hours} h" if hours else ""]
    elif hours:
        parts = [f"{hours} h", f"{minutes} min" if minutes else ""]
    else:
        parts = [f"{minutes} min" if minutes else f"{whole} s"]
    return " ".join(filter(None, parts))
