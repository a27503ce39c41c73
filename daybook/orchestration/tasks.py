"""The steps of every load as Prefect tasks: plan, extract, transform, load. `daybook.load` does the work."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from prefect import get_run_logger, runtime
from prefect.cache_policies import NO_CACHE

from daybook.orchestration.artifacts.extract_progress import ExtractPage
from daybook.orchestration.artifacts.load_report import show
from daybook.orchestration.events import emit_loaded
from daybook.orchestration.flow import task
from daybook.orchestration.monitor_events import emit_check_results
from daybook.orchestration.run_plan import PlanRequest, plan_for_body
from daybook.orchestration.run_tags import tag

if TYPE_CHECKING:  # each step imports what it uses: a flow that is listed, or whose help is shown, loads nothing
    from daybook.ledger.ledger import LedgerRow
    from daybook.load.extraction.extract import Extracted
    from daybook.load.load import LoadReport
    from daybook.load.planning.plan import Plan
    from daybook.stage.base import Stage
    from daybook.stage.manifest import Part
    from daybook.warehouses.base import Warehouse

T = TypeVar("T")


def plan(
    table: str,
    execution_date: date | datetime | None = None,
    until: date | datetime | None = None,
    full_refresh: bool = False,
    allow_shrink: bool = False,
    allow_before_start: bool = False,
    exact: bool = False,
    intervals: Sequence[date | datetime] | None = None,
) -> "Plan":
    """Return the plan of this run: the intervals of a table to load.

    Without dates, that is the last interval that was complete at the run's *original* scheduled time. So a run that is
    late, was retried or waited for a free slot loads the interval that it was scheduled for. `intervals` names
    intervals that need not be neighbours, instead of the range from `execution_date` until `until`.

    Raises:
        TableFileError: the table has no file, or its file is invalid.
        IntervalError: the dates name no intervals of the table.
    """
    tag(table)
    asked = (execution_date, until, full_refresh, allow_shrink, allow_before_start, exact, intervals)
    return plan_for_body(PlanRequest(table, *asked))


def run_steps(
    plan: "Plan",
    extract: "Callable[[Plan], Extracted]",
    transform: "Callable[[Extracted], Extracted]",
    load: "Callable[[Extracted], LoadReport]",
) -> "LoadReport":
    """Extract, transform and load the planned rows, and show the report on the run's page.

    Skips the steps if there is nothing to load: nothing is due yet, the run came late or twice, or it was retried after
    its commit.

    Raises:
        SourceIncomplete: the source could not deliver all rows. Those that it delivered are loaded.
    """
    from daybook.load.load import already_loaded, idle_report
    from daybook.orchestration.blocks import open as blocks

    if idle := idle_report(plan):
        return show(idle)
    source = getattr(plan.table.source, "block", None)
    with blocks.reading_at_once(*([source] if source else [])):
        done = already_loaded(plan, _warehouse(), runtime.flow_run.id)
        report = done or load(transform(extract(plan)))
    return show(report)


def _warehouse() -> "Warehouse":
    from daybook.orchestration.blocks import open as blocks

    return _opened(blocks.warehouse)


def _stage() -> "Stage":
    from daybook.orchestration.blocks import open as blocks

    return _opened(blocks.stage)


def _opened(read_blocks: Callable[[], T]) -> T:
    """Return the warehouse or the stage. The steps share it: each attempt of a run reads its blocks once."""
    run = runtime.flow_run
    return _of_attempt(read_blocks, run.id, run.run_count) if run.id else read_blocks()


@lru_cache(maxsize=2)
def _of_attempt(read_blocks: Callable[[], T], run_id: str, attempt: int) -> T:
    return read_blocks()


@task(name="extract", cache_policy=NO_CACHE)
def extract(plan: "Plan") -> "Extracted":
    """Stream the planned rows from their source, in one snapshot, to the stage."""
    from daybook.load.extraction.extract import extract
    from daybook.orchestration.blocks import open as blocks

    logger = get_run_logger()

    def progress(part: "Part") -> None:
        logger.info("%s: staged %s with %d rows", plan.table.name, part.key.rsplit("/", 1)[-1], part.rows)

    run_id = runtime.flow_run.name or ""
    with ExtractPage(plan) as page:
        ends = _warehouse(), _stage()
        return extract(plan, blocks, *ends, run_id=run_id, on_progress=progress, on_rows=page.count)


@task(name="transform", cache_policy=NO_CACHE)
def transform(extracted: "Extracted") -> "Extracted":
    """Verify that the stage has the rows as the table file transforms them, and log the transformations."""
    from daybook.load.transform import transform

    return transform(extracted, _stage())


@task(name="load", cache_policy=NO_CACHE)
def load(extracted: "Extracted") -> "LoadReport":
    """Load the staged rows into the warehouse, and write the ledger's rows, in one transaction."""
    from daybook.load.load import load

    report = load(extracted, _warehouse(), _stage(), flow_run_id=runtime.flow_run.id)
    emit_loaded(report, extracted.plan)
    emit_check_results(report.table, report.warnings)
    return report


@task(name="wait-for", cache_policy=NO_CACHE)
def wait_for(
    table: str, execution_date: date | datetime, *, timeout_seconds: float = 3600, poll_seconds: float = 15
) -> "LedgerRow":
    """Wait until the interval of `table` that starts at `execution_date` is in the ledger, and return its row.

    For a flow that needs an interval of another table.

    Raises:
        NotLoadedInTime: the interval was not loaded within `timeout_seconds`.
        IntervalError: no interval starts at that date.
    """
    from daybook.definitions.table_files import read_table
    from daybook.ledger.wait import wait_until_loaded
    from daybook.orchestration.blocks import open as blocks

    timeout, poll = timedelta(seconds=timeout_seconds), timedelta(seconds=poll_seconds)
    return wait_until_loaded(read_table(table), execution_date, blocks.warehouse(), timeout, poll)
