"""An audit within a run: what is compared, and what is kept of it."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from daybook.audit.audit_log import Audits, Found, found_of, found_whole
from daybook.audit.interval_audit import Audited, audit
from daybook.audit.table_audit import AuditedRange, audit_whole
from daybook.definitions.table import Table
from daybook.errors import AuditRefused, DaybookError, LoadFailed, WarehouseLost
from daybook.model.interval import Interval
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.flow_options import retry_options
from daybook.sql.retries import with_retries

logger = logging.getLogger("daybook.audit")

_RETRIES: Any = {name: retry_options()[name] for name in ("retries", "retry_delay_seconds")}


def may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a database was lost, which may be there again in some minutes."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, DaybookError) and error.may_pass


@task(name="compare", cache_policy=NO_CACHE, retry_condition_fn=may_pass, **_RETRIES)
def compare(table: Table, intervals: Sequence[Interval]) -> list[Audited]:
    """Hold each of these intervals at the source against the ledger and the warehouse. Changes nothing there."""
    return audit(table, intervals, blocks.warehouse(), blocks)


@task(name="compare-whole", cache_policy=NO_CACHE, retry_condition_fn=may_pass, **_RETRIES)
def compare_whole(table: Table) -> list[AuditedRange]:
    """Hold all of a table at the source against the warehouse, by ranges of its key. Changes nothing there."""
    return audit_whole(table, blocks.warehouse(), blocks)


def audited(table: Table, intervals: Sequence[Interval]) -> list[Audited]:
    """What an audit finds of these intervals, which is then kept in daybook.audits."""
    found, now = compare(table, intervals), datetime.now(UTC)
    _keep(table, [found_of(table.name, one, now, runtime.flow_run.id) for one in found])
    return found


def audited_whole(table: Table) -> list[AuditedRange]:
    """What an audit of the whole table finds, of which one row is kept."""
    ranges = compare_whole(table)
    if ranges:
        _keep(table, [found_whole(table.name, ranges, datetime.now(UTC), runtime.flow_run.id)])
    return ranges


def view(table: Table, intervals: Sequence[Interval], *, needed: bool) -> dict[Interval, Audited] | None:
    """What an audit says now, of which nothing is kept; None where the table cannot be audited, unless it is `needed`.

    Raises AuditRefused, then: it cannot.
    """
    try:
        return {one.interval: one for one in audit(table, intervals, blocks.warehouse(), blocks)}
    except AuditRefused as why:
        if needed:
            raise
        logger.info("%s", why)
        return None


def _keep(table: Table, rows: Sequence[Found]) -> None:
    warehouse = blocks.warehouse()

    def keep() -> None:
        with warehouse.session() as session:
            Audits(warehouse).record(session, rows)

    with_retries(keep, what=f"{table.name}: keeping what was audited", failed=LoadFailed, lost=WarehouseLost)
