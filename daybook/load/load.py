"""Load: staged rows become the table, and the ledger says so, in one transaction."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from daybook.errors import LoadFailed, WarehouseLost
from daybook.ledger.ledger import Entry, Ledger, latest_covering
from daybook.load.check_runner import Result, warnings_of
from daybook.load.extraction.extract import Extracted
from daybook.load.planning.plan import Plan
from daybook.load.transaction import Transaction, is_retryable
from daybook.sql.retries import with_retries
from daybook.stage.base import Stage
from daybook.stage.parts import remove
from daybook.warehouses.base import Warehouse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did: the ledger's entries, rows, bytes on the stage, and the seconds of its two legs."""

    table: str
    label: str
    strategy: str
    entries: tuple[Entry, ...] = ()
    rows: int = 0
    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    note: str = ""
    """Why nothing was done, where nothing was."""
    shortfalls: tuple[str, ...] = ()
    """What the source could not give of what was wanted."""
    checks: tuple[Result, ...] = ()
    """What each of the table's checks found."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the checks of severity `warn` found, where it was not as expected."""
        return warnings_of(self.checks)


def load(extracted: Extracted, warehouse: Warehouse, stage: Stage, *, flow_run_id: str | None = None) -> LoadReport:
    """Bring what was extracted into the warehouse: the whole table or its intervals, and their rows of the ledger.

    Readers see the old rows until the commit and the new ones after it. Serialization conflicts, deadlocks and lost
    connections are tried again; one that was lost during the COMMIT is settled by looking the load up in the ledger.
    The parts are removed from the stage after the commit, and kept and named when it fails.

    Raises:
        GuardError, ValueRefused, SchemaMismatch, StageError: see there; nothing was changed.
        LoadFailed: the warehouse failed in another way, or again and again.
    """
    transaction = Transaction(extracted, warehouse, stage, flow_run_id)
    plan, began = extracted.plan, time.monotonic()
    work = transaction.confirm if extracted.unchanged else transaction.run
    try:
        what = f"{plan.table.name} {plan.label}: load"
        entries = with_retries(work, what=what, failed=LoadFailed, lost=WarehouseLost, when=is_retryable)
    except Exception as error:
        error.add_note(f"the staged parts are kept at {stage.uri(extracted.manifest.prefix)}/")
        raise
    if extracted.unchanged:
        return _report(plan, entries, note=f"unchanged since {extracted.unchanged.loaded_at:%Y-%m-%d %H:%M:%S} UTC")
    remove(stage, extracted.manifest)
    if extracted.later:
        remove(stage, extracted.later)
    seconds = time.monotonic() - began
    report = _report(
        plan,
        entries,
        bytes=extracted.manifest.bytes,
        seconds={"extract": extracted.seconds, "load": seconds},
        shortfalls=extracted.findings.shortfalls,
        checks=transaction.checks,
    )
    logger.info("%s %s: committed %d rows in %.1f s", plan.table.name, plan.label, report.rows, seconds)
    return report


def already_loaded(plan: Plan, warehouse: Warehouse, flow_run_id: str | None) -> LoadReport | None:
    """The report of a run that has nothing left to do, by one query of the ledger; None where it has.

    That is a run which committed all of its plan before it was retried; and one to which nobody gave a date, whose
    interval has been loaded (an interval is only ever loaded once it is over): it came late, or twice.

    Raises LoadFailed: the warehouse could not be asked, again and again.
    """
    ledger, name = Ledger(warehouse), plan.table.name

    def ask() -> list[Entry]:
        with warehouse.session() as session:
            if plan.by_schedule:
                return ledger.newest(session, name, plan.range)
            return ledger.of_run(session, name, flow_run_id) if flow_run_id else []

    entries = with_retries(ask, what=f"{name} {plan.label}: reading the ledger", failed=LoadFailed, lost=WarehouseLost)
    found = [latest_covering(interval, entries) for interval in plan.intervals]
    speaking = entries if plan.whole else [entry for entry in found if entry is not None]
    if not speaking or len(speaking) < len(plan.intervals) or any(entry.missing for entry in speaking):
        return None
    if all(entry.flow_run_id == flow_run_id for entry in speaking):
        return _report(plan, speaking, note="this run had committed it before it was retried")
    return _report(
        plan,
        speaking,
        note=f"it was loaded at {speaking[0].loaded_at:%Y-%m-%d %H:%M:%S} UTC, after it was over; to load it again, "
        f"give its date: execution_date={plan.label}",
    )


def _report(plan: Plan, entries: Sequence[Entry], **figures: Any) -> LoadReport:
    rows = sum(entry.rows for entry in entries)
    return LoadReport(plan.table.name, plan.label, plan.strategy.name, tuple(entries), rows, **figures)
