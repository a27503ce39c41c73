"""An audit within a run: what is compared, and what is kept of it."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from blocks import open as blocks
from daybook.audit.audit import Audited, audit
from daybook.audit.history import Audits, found_of
from daybook.errors import AuditRefused, DaybookError, LoadFailed, WarehouseLost
from daybook.interval import Interval
from daybook.table import Table
from daybook.transient import with_retries
from flows.loading import patience

logger = logging.getLogger("daybook.audit")


def may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a database was lost, which may be there again in some minutes."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, DaybookError) and error.may_pass


@task(
    name="compare",
    cache_policy=NO_CACHE,
    retries=patience()["retries"],
    retry_delay_seconds=patience()["retry_delay_seconds"],
    retry_condition_fn=may_pass,
)
def compare(table: Table, intervals: Sequence[Interval]) -> list[Audited]:
    """Hold each of these intervals at the source against the ledger and the warehouse. Changes nothing anywhere."""
    return audit(table, intervals, blocks.warehouse(), blocks)


def audited(table: Table, intervals: Sequence[Interval]) -> list[Audited]:
    """The same, which is then kept in daybook.audits."""
    found = compare(table, intervals)
    warehouse, now = blocks.warehouse(), datetime.now(UTC)
    rows = [found_of(table.name, one, now, runtime.flow_run.id) for one in found]

    def keep() -> None:
        with warehouse.session() as session:
            Audits(warehouse).record(session, rows)

    with_retries(keep, what=f"{table.name}: keeping what was audited", failed=LoadFailed, lost=WarehouseLost)
    return found


def view(table: Table, intervals: Sequence[Interval]) -> dict[Interval, Audited] | None:
    """What an audit would say now, and nothing is kept of; None where the table's source cannot be audited."""
    try:
        return {one.interval: one for one in audit(table, intervals, blocks.warehouse(), blocks)}
    except AuditRefused as why:
        logger.info("%s", why)
        return None
