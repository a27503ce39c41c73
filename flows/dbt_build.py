"""Build a dbt project's models, and run its tests, as soon as the raw tables that they read have landed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, runtime
from pydantic import Field

from daybook.definitions.table_files import read_table, table_names
from daybook.errors import NotLoadedInTime
from daybook.integrations.dbt.project import find_project, last_of_day, tables_read
from daybook.integrations.dbt.results import NodeResult
from daybook.orchestration.artifacts.dbt import show
from daybook.orchestration.command_line import run
from daybook.orchestration.dbt_runner import on_our_warehouse
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters import TableParameter, explained, flag, some_of
from daybook.orchestration.scheduled_time import scheduled_at
from daybook.orchestration.tasks import wait_for

ProjectDir = Annotated[str, explained("The folder that dbt_project.yml is in, on the worker.", "string")]
Day = Annotated[
    date | None,
    explained(
        "The day that the tables must have. Left out: the one before the run's scheduled time.",
        anyOf=[{"type": "string", "format": "date"}, {"type": "null"}],
    ),
]
Selection = Annotated[
    str | None,
    explained("What to build, as behind dbt's --select: 'nps_by_day+ tag:daily'. Left out: all.", "string", "null"),
]
Awaited = Annotated[
    list[TableParameter] | None,
    some_of(table_names(), "The tables to wait for. Left out: those under tables/ that what is built reads."),
]
TargetSchema = Annotated[str, explained("Where models go that name no schema.", "string")]
FromNothing = Annotated[bool, flag("Build incremental models from nothing.")]
Patience = Annotated[int, Field(ge=0), explained("How many seconds to wait for the tables.", type="integer", minimum=0)]


def run_name() -> str:
    """Which project, for which day: `answers 2021-02-05`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    return f"{Path(str(given.get('project_dir'))).name} {given.get('execution_date') or _day_before()}"


@flow(name="dbt-build", flow_run_name=run_name, on_completion=[emit_recovery], **retry_options())
def dbt_build(
    project_dir: ProjectDir,
    execution_date: Day = None,
    select: Selection = None,
    tables: Awaited = None,
    target_schema: TargetSchema = "analytics",
    full_refresh: FromNothing = False,
    timeout_seconds: Patience = 3600,
) -> list[NodeResult]:
    """Wait until a day of the tables that a dbt project reads is loaded, then build its models and run its tests."""
    project = find_project(project_dir)
    day = execution_date or _day_before()
    with on_our_warehouse(project, day, target_schema) as dbt:
        if tables is None:
            nodes = dbt.nodes(select)
            tables = tables_read(dbt.manifest(), nodes, table_names())
        wait_for_tables(tables, day, timeout_seconds)
        results = dbt.build(select, full_refresh)
    return show(project.name, results)


def wait_for_tables(names: list[str], day: date, timeout_seconds: float) -> None:
    """Wait until each of the tables has its last interval of `day`, all of them side by side for `timeout_seconds`.

    Raises:
        NotLoadedInTime: one has it not; names each that is late.
    """
    waiting, late = [], []
    for name in names:
        if interval := last_of_day(read_table(name), day):
            waiting.append(wait_for.submit(name, interval.start, timeout_seconds=timeout_seconds))
        else:
            get_run_logger().info("%s has no interval that %s would have to wait for", name, day)
    for waited in waiting:
        try:
            waited.result()
        except NotLoadedInTime as error:
            late.append(str(error))
    if late:
        raise NotLoadedInTime("\n".join(late))


def _day_before() -> date:
    return ((scheduled_at() or datetime.now(UTC)) - timedelta(days=1)).date()


if __name__ == "__main__":
    run(dbt_build)
