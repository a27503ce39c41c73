"""The steps of the flow `dbt-build`: choose the day to build, and wait for the tables of that day."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect import get_run_logger, runtime

from daybook.definitions.table_files import read_table, table_names
from daybook.errors import NotLoadedInTime
from daybook.integrations.dbt.project import last_of_day, tables_read
from daybook.orchestration.dbt.runner import Dbt
from daybook.orchestration.scheduled_time import scheduled_at
from daybook.orchestration.tasks import wait_for


def run_name() -> str:
    """Return the project and the day: `answers 2021-02-05`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    return f"{Path(str(given.get('project_dir'))).name} {given.get('execution_date') or day_before()}"


def day_before() -> date:
    """Return the day before the run's scheduled time, in UTC, or yesterday if the run has none."""
    return ((scheduled_at() or datetime.now(UTC)) - timedelta(days=1)).date()


def tables_of(dbt: Dbt, select: str | None) -> list[str]:
    """Return the tables under tables/ that the nodes selected by `select` read, sorted."""
    nodes = dbt.nodes(select)
    return tables_read(dbt.manifest(), nodes, table_names())


def wait_for_tables(names: list[str], day: date, timeout_seconds: float) -> None:
    """Wait until each table has its last interval of `day`. All waits run at once, each for `timeout_seconds`.

    Raises:
        NotLoadedInTime: names each table that is late.
    """
    waiting, late = [], []
    for name in names:
        if interval := last_of_day(read_table(name), day):
            waiting.append(wait_for.submit(name, interval.start, timeout_seconds=timeout_seconds))
        else:
            get_run_logger().info("%s has no interval on %s, so there is nothing to wait for", name, day)
    for waited in waiting:
        try:
            waited.result()
        except NotLoadedInTime as error:
            late.append(str(error))
    if late:
        raise NotLoadedInTime("\n".join(late))
