"""What a table must load after a deploy: the intervals that it owes, and those that a change makes wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from daybook.definitions.table import Table
from daybook.definitions.targets.project_target import current_target
from daybook.diff.diff_report import DatasetDiff, Refill
from daybook.diff.field_changes import reload_reasons
from daybook.errors import SourceError
from daybook.ledger.interval_status import IntervalStatus, statuses_in
from daybook.ledger.ledger import Coverage, Entry, Ledger
from daybook.load.extraction.source_version import filter_differs
from daybook.load.planning.owed_intervals import expected_intervals, with_sessions
from daybook.model.interval import Interval
from daybook.shell import command
from daybook.sources.base import Source
from daybook.sources.database.catalog import Describing
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: The most intervals whose rows are counted in the source, and only by an index on the cursor.
_COUNTED = 31
_RECENT = 30  # ledger entries for an estimate


@dataclass
class Refills:
    """Finds them for the tables of one warehouse, at one moment."""

    session: Session
    warehouse: Warehouse
    now: datetime
    coverage: dict[str, Coverage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the coverage of all tables, with one query."""
        self.coverage = Ledger(self.warehouse).ends(self.session)

    def add(self, table: Table, source: Source | None, rows_in_source: int | None, diff: DatasetDiff) -> None:
        """Add what `table` must load to `diff`, which has its changes already.

        Args:
            table: the table as it would be deployed.
            source: its source, to count a few intervals. None: it cannot be read.
            rows_in_source: the estimate of the source's catalog for the whole table, or None.
            diff: the differences of the table.

        Raises:
            DatabaseError: the warehouse or the source failed.
        """
        cover = self.coverage.get(table.name)
        wanted = expected_intervals(table, self.now)
        found, loss = statuses_in(self.session, self.warehouse, table, wanted)
        if loss:
            diff.notes.append(f"the table is not as the last load left it: {loss}")
        if table.load_grid is None:
            if cover is None or loss:
                rows, rows_are = rows_in_source, "estimated by the source's statistics" if rows_in_source else ""
                load = command("daybook", "load", table.name)
                diff.refills.append(Refill("never loaded", None, "all rows", rows, rows_are, load))
        elif owed := self._owed(table, found):
            diff.refills.append(self._owed_refill(table, owed, cover, source, rows_in_source))
        elif cover is None and table.catch_up_policy != "all":
            diff.notes.append("no interval is owed, as it has no start: the first run loads the newest interval")
        if cover is not None:
            self._add_forced(table, cover, diff)

    def _owed(self, table: Table, found: Sequence[IntervalStatus]) -> list[Interval]:
        return with_sessions(table, [one.interval for one in found if one.chosen_by("failed")])

    def _owed_refill(
        self,
        table: Table,
        owed: Sequence[Interval],
        cover: Coverage | None,
        source: Source | None,
        rows_in_source: int | None,
    ) -> Refill:
        rows, rows_are = _counted(table, owed, source), "counted in the source"
        if rows is None:
            recent = Ledger(self.warehouse).recent_rows(self.session, table.name, full_refreshes=False, most=_RECENT)
            if recent:
                rows = round(sum(recent) / len(recent) * len(owed))
                rows_are = f"estimated from the last {len(recent)} loads"
            elif cover is None and rows_in_source is not None:
                rows, rows_are = rows_in_source, "the whole table, estimated by the source's statistics"
        why = "missing or failed by the ledger" if cover else "never loaded"
        return Refill(
            why, len(owed), _span(table, owed), rows, rows_are if rows is not None else "", _backfill(table, owed)
        )

    def _add_forced(self, table: Table, cover: Coverage, diff: DatasetDiff) -> None:
        """Add the loaded rows that a change makes wrong."""
        last = self._last(table)
        in_place, whole = reload_reasons(diff.fields)
        in_place += [f"the new column {one.column}" for one in diff.columns if one.action == "add"]
        if last is not None and filter_differs(table, last.version):
            whole += [] if any(one.startswith("source.") for one in whole) else ["source.where or source.query"]
        if not in_place and not whole:
            return
        why = f"rows loaded before the change of {', '.join(dict.fromkeys([*whole, *in_place]))}"
        grid = table.load_grid
        if grid is None:
            rows = last.rows if last else None
            diff.refills.append(Refill(why, None, "all rows", rows, "at the last load" if last else "", None))
            return
        rows = last.table_rows if last else None
        if whole:
            load = command("daybook", "load", table.name, "--full-refresh")
            diff.refills.append(Refill(why, None, "all rows", rows, "by the ledger" if rows else "", load))
            return
        first, end = grid.containing(cover.since), grid.containing(cover.until - timedelta.resolution)
        loaded = grid.due(first.start, end.end)
        entries = Ledger(self.warehouse).loaded(self.session, table.name, Interval(first.start, end.end))
        rows = rows if rows is not None else sum(entry.rows for entry in entries)
        diff.refills.append(
            Refill(why, len(loaded), _span(table, loaded), rows, "by the ledger", _backfill(table, loaded, "all"))
        )

    def _last(self, table: Table) -> Entry | None:
        """Return an entry of the newest load."""
        end = self.coverage[table.name].loaded_at
        found = Ledger(self.warehouse).since(self.session, table.name, end - timedelta.resolution)
        return next((entry for entry in reversed(found) if not entry.is_closing), None)


def _counted(table: Table, owed: Sequence[Interval], source: Source | None) -> int | None:
    """Return the number of the source's rows in these intervals, or None if counting them is not cheap."""
    if source is None or table.cursor is None or len(owed) > _COUNTED or not isinstance(source, Describing):
        return None
    if any(one.end != other.start for one, other in pairwise(owed)):
        return None  # only neighbours are counted in one query
    try:
        if source.facts().is_leading(table.cursor):
            return sum(source.counts(owed).values())
    except SourceError:
        return None
    return None


def _span(table: Table, intervals: Sequence[Interval]) -> str:
    assert table.grid is not None
    return f"{table.grid.counted(len(intervals))}: {table.label([intervals[0], intervals[-1]])}"


def _backfill(table: Table, intervals: Sequence[Interval], select: str = "failed") -> str:
    """Return the command that loads these intervals."""
    grid = table.grid
    assert grid is not None
    deployment = f"load/{current_target().deployment_name(table.name)}"
    dates = grid.label(intervals[0]), grid.until(intervals[-1])
    return command("daybook", "backfill", deployment, *dates, "--select", select)
