"""Build the ledger entries of one load: one for each interval, or one for the whole table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from daybook.ledger.interval_status import statuses
from daybook.ledger.ledger import UNCHANGED, Entry, Ledger
from daybook.ledger.state_table import MAX_TEXT
from daybook.ledger.table_loss import TableState
from daybook.load.checksums import LoadChecksums
from daybook.load.extraction.extract import Extracted
from daybook.load.staged import Staged
from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


@dataclass(frozen=True, slots=True)
class LedgerEntries:
    """Builds the entries of the load `load_id`. Call its methods under the table's lock."""

    extracted: Extracted
    warehouse: Warehouse
    ledger: Ledger
    flow_run_id: str | None
    load_id: str

    def entries(self, session: Session, staged: Staged, tally: LoadChecksums, state: TableState) -> list[Entry]:
        """Return the entries of a load of the staged rows.

        `state` is the table after the load. If it has a loss, the entries of earlier loads no longer count.
        """
        plan, extracted = self.extracted.plan, self.extracted
        common = self._common_fields(session)
        common |= {"table_id": state.table_id, "table_rows": state.rows}
        common |= {"counts_from": common["loaded_at"] if state.loss else None}
        missing = "\n".join(extracted.findings.shortfalls)[:MAX_TEXT] or None
        spans: list[tuple[datetime | None, datetime, int, Sum | None]]
        spans = [(interval.start, interval.end, sum.rows, sum) for interval, sum in staged.sums.items()]
        if plan.whole:
            spans = [(plan.start, extracted.snapshot_at, staged.rows, staged.total)]
        entries = [
            Entry(plan.table.name, start, end, rows, missing=missing, checksum=tally.checksum(sum), **common)
            for start, end, rows, sum in spans
        ]
        return ([] if state.loss else self._recounted(session, tally, common)) + entries

    def confirmation(self, session: Session) -> Entry:
        """Return the entry of a load that found the source unchanged since the last one."""
        last = self.extracted.unchanged
        assert last is not None
        common = self._common_fields(session) | {"strategy": UNCHANGED, "version": last.version}
        return replace(last, end=self.extracted.snapshot_at, **common)

    def neighbouring_intervals(self) -> Sequence[Interval]:
        """Return the earlier intervals whose changed rows this load includes."""
        since, plan = self.extracted.findings.since, self.extracted.plan
        range, grid = plan.range, plan.table.grid
        if since is None or range is None or grid is None or not plan.strategy.accepts_earlier_rows:
            return ()
        loaded = set(plan.intervals)
        earlier = grid.between(since, range.end) if since < range.end else ()
        return [interval for interval in earlier if interval not in loaded]

    def _recounted(self, session: Session, tally: LoadChecksums, common: dict[str, Any]) -> list[Entry]:
        """Return new entries for the neighbouring intervals that were loaded before. The others stay missing."""
        neighbours, table = self.neighbouring_intervals(), self.extracted.plan.table.name
        if not neighbours:
            return []
        loaded = self.ledger.loaded(session, table, Interval(neighbours[0].start, neighbours[-1].end))
        recorded = {found.interval for found in statuses(neighbours, loaded, ()) if found.entry}
        quoted = self.warehouse.table(table)
        sums = {interval: sum for interval, sum in tally.sums(quoted, neighbours).items() if interval in recorded}
        return [
            Entry(table, interval.start, interval.end, sum.rows, checksum=tally.checksum(sum), **common)
            for interval, sum in sums.items()
        ]

    def _common_fields(self, session: Session) -> dict[str, Any]:
        """Return the fields that are the same in every entry of this load."""
        return {
            "strategy": self.extracted.plan.strategy.name,
            "flow_run_id": self.flow_run_id,
            "loaded_at": self.ledger.next_moment(session, self.extracted.plan.table.name),
            "load_id": self.load_id,
            "snapshot_at": self.extracted.snapshot_at,
            "version": self.extracted.version,
        }
