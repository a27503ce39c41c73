"""Load: move staged rows into their table and record them in the ledger, in one transaction."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from daybook.errors import LoadFailed, WarehouseLost
from daybook.ledger.ledger import Entry, Ledger, latest_covering
from daybook.ledger.table_loss import loss_unless_locked
from daybook.load.check_runner import Result, warnings_of
from daybook.load.extraction.extract import Extracted
from daybook.load.planning.plan import Plan
from daybook.load.reclaim import reclaim
from daybook.load.transaction import Transaction, is_retryable
from daybook.sql.retries import with_retries
from daybook.stage.base import Stage
from daybook.stage.parts import remove
from daybook.warehouses.base import Warehouse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The result of a load: ledger entries, rows, bytes on the stage, and the seconds of extract and load."""

    table: str
    label: str
    strategy: str
    entries: tuple[Entry, ...] = ()
    rows: int = 0
    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    note: str = ""
    """The reason if the load had nothing to do."""
    shortfalls: tuple[str, ...] = ()
    """The parts of the request that the source could not send, a text each."""
    checks: tuple[Result, ...] = ()
    """The results of the table's checks."""
    notices: tuple[str, ...] = ()
    """The rows that a filter left out, and the source's warnings, a text each."""
    written: int | None = None
    """The number of rows that the load inserted, in place of other ones or not. None if it is unknown."""

    @property
    def counted_rows(self) -> str:
        """Return the number of rows, and how many of them the load did not write: the table had them already."""
        rows = f"{self.rows:,} rows"
        if self.written is None or self.written >= self.rows:
            return rows
        return f"{rows} ({self.written:,} new or changed, {self.rows - self.written:,} already in the table)"

    @property
    def warnings(self) -> tuple[str, ...]:
        """One text for each failed check of severity `warn`."""
        return warnings_of(self.checks)


def load(extracted: Extracted, warehouse: Warehouse, stage: Stage, *, flow_run_id: str | None = None) -> LoadReport:
    """Load the extracted rows into the warehouse, and record them in the ledger.

    Readers see the old rows until the commit and the new ones after it. Serialization conflicts, deadlocks and lost
    connections are retried. If the connection is lost during the COMMIT, the retry looks the load up in the ledger to
    find out if the commit succeeded. After the commit, the parts are removed from the stage. If the load fails, they
    stay, and a note of the error has their place.

    Raises:
        GuardError: a check before the commit failed; nothing was changed.
        ValueRefused: the warehouse cannot hold a value; nothing was changed.
        SchemaMismatch: the table does not fit the rows; nothing was changed.
        StageError: a staged part is missing or damaged; nothing was changed.
        LoadFailed: the warehouse failed in another way, or every retry failed.
    """
    transaction = Transaction(extracted, warehouse, stage, flow_run_id)
    plan, began = extracted.plan, time.monotonic()
    work = transaction.confirm if extracted.unchanged else transaction.run
    try:
        what = f"{plan.table.name} {plan.label}: load"
        entries = with_retries(work, what=what, failed=LoadFailed, lost=WarehouseLost, when=is_retryable)
    except Exception as error:
        if extracted.manifest.parts and not extracted.unchanged:
            error.add_note(f"the staged parts are kept at {stage.uri(extracted.manifest.prefix)}/")
        raise
    if extracted.unchanged:
        return _report(plan, entries, note=f"unchanged since {extracted.unchanged.loaded_at:%Y-%m-%d %H:%M:%S} UTC")
    remove(stage, extracted.manifest)
    if extracted.later:
        remove(stage, extracted.later)
    if plan.whole or plan.table.vacuum:
        reclaim(warehouse, plan.table.name, plan.table.vacuum)
    seconds = time.monotonic() - began
    report = _report(
        plan,
        entries,
        bytes=extracted.manifest.bytes,
        seconds={"extract": extracted.seconds, "load": seconds},
        shortfalls=extracted.findings.shortfalls,
        checks=transaction.checks,
        notices=(*extracted.warnings, *transaction.notices),
        written=transaction.written,
    )
    logger.info("%s %s: committed %s in %.1f s", plan.table.name, plan.label, report.counted_rows, seconds)
    return report


def idle_report(plan: Plan) -> LoadReport | None:
    """Return the report of a run whose plan has nothing to load, with the reason, or None if it has."""
    return _report(plan, (), note=plan.idle) if plan.idle else None


def already_loaded(plan: Plan, warehouse: Warehouse, flow_run_id: str | None) -> LoadReport | None:
    """Return the report of a run that has nothing left to do, or None if it has.

    Two kinds of runs have nothing to do: a run that committed its whole plan before it was retried, and a scheduled
    run whose interval is loaded already, because it started late or twice. An interval is only loaded once it is over.
    If the table has lost its rows since, the run goes on, so that the load says so.

    Raises:
        LoadFailed: the warehouse did not answer in any of several tries.
    """
    ledger, name = Ledger(warehouse), plan.table.name

    def ask() -> list[Entry]:
        with warehouse.session() as session:
            if plan.by_schedule:
                entries = ledger.newest(session, name, plan.range)
            else:
                entries = ledger.of_run(session, name, flow_run_id) if flow_run_id else []
            lost = entries and loss_unless_locked(session, warehouse, name, plan.table.shrink_limit)
            return [] if lost else entries

    entries = with_retries(ask, what=f"{name} {plan.label}: reading the ledger", failed=LoadFailed, lost=WarehouseLost)
    found = [latest_covering(interval, entries) for interval in plan.intervals]
    covering = entries if plan.whole else [entry for entry in found if entry is not None]
    if not covering or len(covering) < len(plan.intervals) or any(entry.missing for entry in covering):
        return None
    if all(entry.flow_run_id == flow_run_id for entry in covering):
        return _report(plan, covering, note="this run committed it before it was retried")
    return _report(
        plan,
        covering,
        note=f"it was loaded at {covering[0].loaded_at:%Y-%m-%d %H:%M:%S} UTC, after it was over; to load it again, "
        f"pass its date: execution_date={plan.label}",
    )


def _report(plan: Plan, entries: Sequence[Entry], **figures: Any) -> LoadReport:
    rows = sum(entry.rows for entry in entries)
    return LoadReport(plan.table.name, plan.label, plan.strategy.name, tuple(entries), rows, **figures)
