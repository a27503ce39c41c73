"""The tasks of the flow `export-sheet`: select rows of the warehouse, write them to a sheet, and record the export."""

from typing import Any

from prefect import get_run_logger, runtime
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from daybook.definitions.registry import read_dataset
from daybook.definitions.table_files import sql_in_target
from daybook.errors import ExportFailed
from daybook.integrations.google_sheets import export
from daybook.integrations.google_sheets.export import Selection, Written
from daybook.ledger.ledger import Entry
from daybook.orchestration.artifacts.text import page_key
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.flow import task
from daybook.sources.google_sheets.ranges import parse


def run_name() -> str:
    """Return the source and the target: `raw_data.nps into Report!A1:F`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    return f"{given.get('table') or 'a query'} into {given.get('range')}"


@task(name="select", cache_policy=NO_CACHE)
def select(table: str | None, query: str | None) -> Selection:
    """Read the rows of a table or of a query in one read-only snapshot of the warehouse."""
    if (table is None) == (query is None):
        raise ExportFailed("give either table, for the whole table, or query, for some of its rows")
    warehouse = blocks.warehouse()
    return (
        export.select_table(warehouse, read_dataset(table))
        if table
        else export.select(warehouse, sql_in_target(str(query)))
    )


@task(name="write", cache_policy=NO_CACHE)
def write(selection: Selection, spreadsheet: str, range: str, block: str) -> Written:
    """Replace the range with one request, and read it back."""
    return export.write(selection, blocks.google(block), spreadsheet, parse(range))


@task(name="note", cache_policy=NO_CACHE)
def note(written: Written) -> Entry:
    """Record the export in the ledger, and show it on the run's page."""
    entry = export.note(blocks.warehouse(), written, runtime.flow_run.id)
    get_run_logger().info("%s: %s rows", entry.table, f"{entry.rows:,}")
    create_markdown_artifact(
        key=page_key("export-sheet"),
        markdown=f"**{entry.rows:,} rows** below the header, as of {entry.snapshot_at:%Y-%m-%d %H:%M:%S} UTC: "
        f"[{entry.table}](https://docs.google.com/spreadsheets/d/{written.spreadsheet})",
        description=f"{entry.rows:,} rows into {entry.table}",
    )
    return entry
