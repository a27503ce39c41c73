"""Build a dbt project's models and run its tests, once the raw tables that they read are loaded."""

from daybook.integrations.dbt.project import find_project
from daybook.integrations.dbt.results import NodeResult
from daybook.orchestration.artifacts.dbt import show
from daybook.orchestration.command_line import run
from daybook.orchestration.dbt.build_day import day_before, run_name, tables_of, wait_for_tables
from daybook.orchestration.dbt.runner import on_our_warehouse
from daybook.orchestration.flow import flow
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters.dbt import (
    AwaitedTables,
    Day,
    ProjectDir,
    RebuildIncremental,
    Selection,
    TargetSchema,
    TimeoutSeconds,
)


@flow(name="dbt-build", flow_run_name=run_name, on_completion=[emit_recovery], **retry_options())
def dbt_build(
    project_dir: ProjectDir,
    execution_date: Day = None,
    select: Selection = None,
    tables: AwaitedTables = None,
    target_schema: TargetSchema = "analytics",
    full_refresh: RebuildIncremental = False,
    timeout_seconds: TimeoutSeconds = 3600,
) -> list[NodeResult]:
    """Wait until the tables that a dbt project reads have a day, then build its models and run its tests."""
    project, day = find_project(project_dir), execution_date or day_before()
    with on_our_warehouse(project, day, target_schema) as dbt:
        awaited = tables_of(dbt, select) if tables is None else tables
        wait_for_tables(awaited, day, timeout_seconds)
        results = dbt.build(select, full_refresh)
    return show(project.name, results)


if __name__ == "__main__":
    run(dbt_build)
