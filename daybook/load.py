"""Load: staged rows become the table, and the ledger says so, in one transaction."""

import logging
import time
from dataclasses import dataclass, field

from daybook.errors import LoadFailed
from daybook.extract import Extracted
from daybook.ledger import Entry, Ledger
from daybook.plan import Plan
from daybook.stage import Stage
from daybook.stage.parts import remove
from daybook.transaction import Transaction, passes
from daybook.transient import is_database_error, is_transient, whole_story, with_retries
from daybook.warehouses import Warehouse

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
    kept = f"the staged parts are kept at {stage.uri(extracted.manifest.prefix)}/"

    def note(text: str) -> None:
        logger.warning("%s: load, %s", plan.table.name, text)

    try:
        entries = with_retries(transaction.run, when=passes, note=note)
    except Exception as error:
        if is_database_error(error):
            raise LoadFailed(f"{plan.table.name} {plan.label}: {whole_story(error)}\n{kept}") from error
        error.add_note(kept)
        raise
    remove(stage, extracted.manifest)
    seconds = time.monotonic() - began
    logger.info(
        "%s %s: committed %d rows in %.1f s", plan.table.name, plan.label, sum(e.rows for e in entries), seconds
    )
    return LoadReport(
        plan.table.name,
        plan.label,
        plan.strategy,
        tuple(entries),
        sum(entry.rows for entry in entries),
        extracted.manifest.bytes,
        {"extract": extracted.seconds, "load": seconds},
    )


def already_committed(plan: Plan, warehouse: Warehouse, flow_run_id: str) -> LoadReport | None:
    """What this flow run has committed, where that is all of its plan: a retry after the commit does nothing.

    Raises LoadFailed: the warehouse could not be asked, again and again.
    """
    ledger = Ledger(warehouse)

    def ask() -> list[Entry]:
        with warehouse.session() as session:
            return ledger.of_run(session, plan.table.name, flow_run_id) if ledger.exists(session) else []

    def note(text: str) -> None:
        logger.warning("%s: asking the ledger, %s", plan.table.name, text)

    try:
        entries = with_retries(ask, when=is_transient, note=note)
    except Exception as error:
        if not is_database_error(error):
            raise
        raise LoadFailed(f"{plan.table.name} {plan.label}: the ledger cannot be read: {whole_story(error)}") from error
    wanted = {(interval.start, interval.end) for interval in plan.intervals}
    done = bool(entries) and (plan.whole or wanted <= {(entry.start, entry.end) for entry in entries})
    if not done:
        return None
    return LoadReport(
        plan.table.name,
        plan.label,
        plan.strategy,
        tuple(entries),
        sum(entry.rows for entry in entries),
        note="this run had committed it before it was retried",
    )
