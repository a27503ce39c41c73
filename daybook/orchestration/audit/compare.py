"""The tasks that compare a table with its source and record the findings in `daybook.audits`."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import Task, runtime
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from daybook.audit.audit_log import Audits, Found, found_of, found_whole
from daybook.audit.interval_audit import Audited, audit
from daybook.audit.table_audit import AuditedRange, audit_whole
from daybook.definitions.table import Table
from daybook.errors import AuditRefused, DaybookError, LoadFailed, WarehouseLost
from daybook.model.interval import Interval
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.flow import task
from daybook.orchestration.flow_options import retry_options
from daybook.sql.retries import with_retries

logger = logging.getLogger("daybook.audit")

_RETRIES: Any = {name: retry_options()[name] for name in ("retries", "retry_delay_seconds")}


def _is_retryable(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Return True if a retry can succeed: a database was lost, and may be back in some minutes."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, DaybookError) and error.may_pass


@task(name="compare", cache_policy=NO_CACHE, retry_condition_fn=_is_retryable, **_RETRIES)
def compare(table: Table, intervals: Sequence[Interval]) -> list[Audited]:
    """Compare each of these intervals of the source with the ledger and the warehouse, without changing them."""
    return audit(table, intervals, blocks.warehouse(), blocks)


@task(name="compare-whole", cache_policy=NO_CACHE, retry_condition_fn=_is_retryable, **_RETRIES)
def compare_whole(table: Table) -> list[AuditedRange]:
    """Compare the whole table in the source with the warehouse, by ranges of its key, without changing either."""
    return audit_whole(table, blocks.warehouse(), blocks)


def audited(table: Table, intervals: Sequence[Interval]) -> list[Audited]:
    """Compare these intervals, record the findings in `daybook.audits`, and return them."""
    found, now = compare(table, intervals), datetime.now(UTC)
    _record(table, [found_of(table.name, one, now, runtime.flow_run.id) for one in found])
    return found


def audited_whole(table: Table) -> list[AuditedRange]:
    """Compare the whole table, record one row in `daybook.audits`, and return the findings."""
    ranges = compare_whole(table)
    if ranges:
        _record(table, [found_whole(table.name, ranges, datetime.now(UTC), runtime.flow_run.id)])
    return ranges


def preview(table: Table, intervals: Sequence[Interval], *, required: bool) -> dict[Interval, Audited] | None:
    """Compare these intervals without recording anything. Return None if the table cannot be audited.

    Raises:
        AuditRefused: the table cannot be audited, and the audit is `required`.
    """
    try:
        return {one.interval: one for one in audit(table, intervals, blocks.warehouse(), blocks)}
    except AuditRefused as why:
        if required:
            raise
        logger.info("%s", why)
        return None


def _record(table: Table, rows: Sequence[Found]) -> None:
    warehouse = blocks.warehouse()

    def record() -> None:
        with warehouse.session() as session:
            Audits(warehouse).record(session, rows)

    with_retries(record, what=f"{table.name}: recording the audit", failed=LoadFailed, lost=WarehouseLost)
