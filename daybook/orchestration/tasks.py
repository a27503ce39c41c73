"""The legs of every load as tasks: extract, transform, load. What they do is in `daybook`; here Prefect runs it."""

from datetime import date, datetime, timedelta

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.ledger.ledger import LedgerRow
from daybook.ledger.wait import wait_until_loaded
from daybook.load import load as loading
from daybook.load.extract import Extracted, verify
from daybook.load.extract import extract as extract_rows
from daybook.load.load import LoadReport
from daybook.load.plan import Plan
from daybook.load.plan import plan as plan_load
from daybook.orchestration.artifacts.extract_progress import ExtractPage
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.events import emit_loaded
from daybook.orchestration.monitor_events import emit_check_results
from daybook.orchestration.run_tags import tag
from daybook.orchestration.scheduled_time import scheduled_at
from daybook.stage.manifest import Part


def plan(
    table: str | Table,
    execution_date: date | datetime | None,
    until: date | datetime | None,
    full_refresh: bool,
    allow_shrink: bool,
    allow_before_start: bool,
    exact: bool = False,
) -> Plan:
    """What this run loads of a table, which may be given by its name.

    Without a date it is the last interval complete at the run's *original* scheduled time, so that a run which is late,
    was retried or waited for its turn loads what it was meant for.
    """
    known = read_table(table) if isinstance(table, str) else table
    tag(known.name)
    return plan_load(
        known,
        execution_date,
        until,
        full_refresh,
        scheduled_at=scheduled_at(),
        allow_shrink=allow_shrink,
        allow_before_start=allow_before_start,
        exact=exact,
    )


def already_loaded(plan: Plan) -> LoadReport | None:
    """The report of a run that has nothing left to do: nothing is due yet, it came late or twice, or it was retried
    after its commit."""
    if plan.idle:
        return LoadReport(plan.table.name, plan.label, plan.strategy.name, note=plan.idle)
    return loading.already_loaded(plan, blocks.warehouse(), runtime.flow_run.id)


@task(name="extract", cache_policy=NO_CACHE)
def extract(plan: Plan) -> Extracted:
    """Stream the rows of the plan from its source, in one snapshot, to the stage."""
    logger = get_run_logger()

    def progress(part: Part) -> None:
        logger.info("%s: staged %s with %d rows", plan.table.name, part.key.rsplit("/", 1)[-1], part.rows)

    run_id = runtime.flow_run.name or ""
    with ExtractPage(plan) as page:
        ends = blocks.warehouse(), blocks.stage()
        return extract_rows(plan, blocks, *ends, run_id=run_id, on_progress=progress, on_rows=page.count)


@task(name="transform", cache_policy=NO_CACHE)
def transform(extracted: Extracted) -> Extracted:
    """Hold what lies on the stage against what the source sent: the same parts, the same rows, the same columns."""
    return verify(extracted, blocks.stage())


@task(name="load", cache_policy=NO_CACHE)
def load(extracted: Extracted) -> LoadReport:
    """Bring the staged rows into the warehouse, and the ledger's rows with them, in one transaction."""
    report = loading.load(extracted, blocks.warehouse(), blocks.stage(), flow_run_id=runtime.flow_run.id)
    emit_loaded(report, extracted.plan)
    emit_check_results(report.table, report.warnings)
    return report


@task(name="wait-for", cache_policy=NO_CACHE)
def wait_for(
    table: str, execution_date: date | datetime, *, timeout_seconds: float = 3600, poll_seconds: float = 15
) -> LedgerRow:
    """Wait until the interval of `table` that starts at `execution_date` is in the ledger, and return its entry.

    For a flow that needs another table's interval inside. Raises `NotLoadedInTime` after `timeout_seconds`, and
    `IntervalError` for a date at which no interval starts.
    """
    timeout, poll = timedelta(seconds=timeout_seconds), timedelta(seconds=poll_seconds)
    return wait_until_loaded(read_table(table), execution_date, blocks.warehouse(), timeout, poll)
