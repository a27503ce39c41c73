"""Write a table of the warehouse, or what one SELECT returns, into a Google sheet."""

from typing import Annotated, Any

from prefect import flow, get_run_logger, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import AfterValidator

from daybook.definitions.summary import Summary
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table import Table as TableFile
from daybook.definitions.table_files import read_table, table_names
from daybook.errors import ExportFailed
from daybook.integrations.google_sheets import export
from daybook.integrations.google_sheets.export import Selection, Written
from daybook.ledger.ledger import Entry
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.command_line import run
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters import explained
from daybook.sources.google_sheets.client import spreadsheet_id
from daybook.sources.google_sheets.ranges import parse


def _is_range(text: str) -> str:
    parse(text)
    return text


def _described(name: str) -> TableFile | Summary:
    """The table or the summary of this name, by its file."""
    return read_summary(name) if name in summary_names() else read_table(name)


def _known(name: str) -> str:
    return _described(name).name


SpreadsheetId = Annotated[
    str,
    AfterValidator(spreadsheet_id),
    explained("The spreadsheet's address, as the browser shows it, or its id.", "string"),
]
Range = Annotated[
    str,
    AfterValidator(_is_range),
    explained("What is replaced: a sheet (Report), or a part of it (Report!A1:F, down to its end).", "string"),
]
Table = Annotated[
    Annotated[str, AfterValidator(_known)] | None,
    explained(
        "The table or summary to write: all of it, in the order of its key.",
        "string",
        "null",
        enum=[*table_names(), *summary_names()],
    ),
]
Query = Annotated[str | None, explained("Instead of a table: one SELECT, by the warehouse's SQL.", "string", "null")]
Block = Annotated[str, explained("The GcpCredentials block with the service account's key.", "string")]


def run_name() -> str:
    """What goes where: `raw_data.nps into Report!A1:F`."""
    given: dict[str, Any] = dict(runtime.flow_run.parameters or {})
    return f"{given.get('table') or 'a query'} into {given.get('range')}"


@flow(name="export-sheet", flow_run_name=run_name, on_completion=[emit_recovery], **retry_options())
def export_sheet(
    spreadsheet: SpreadsheetId, range: Range, table: Table = None, query: Query = None, block: Block = "google"
) -> Entry:
    """Replace a range of a Google sheet by a table or the rows of a query. Run again, it gives the same sheet."""
    selection = select(table, query)
    written = write(selection, spreadsheet, range, block)
    return note(written)


@task(name="select", cache_policy=NO_CACHE)
def select(table: str | None, query: str | None) -> Selection:
    """Read the rows in one snapshot of the warehouse, which the query cannot change."""
    if (table is None) == (query is None):
        raise ExportFailed("give either table, for all of it, or query, for a part of it")
    warehouse = blocks.warehouse()
    return export.select_table(warehouse, _described(table)) if table else export.select(warehouse, str(query))


@task(name="write", cache_policy=NO_CACHE)
def write(selection: Selection, spreadsheet: str, range: str, block: str) -> Written:
    """Replace the range by one request, and read it back."""
    return export.write(selection, blocks.google(block), spreadsheet, parse(range))


@task(name="note", cache_policy=NO_CACHE)
def note(written: Written) -> Entry:
    """Leave a row in the ledger, and show what was done."""
    entry = export.note(blocks.warehouse(), written, runtime.flow_run.id)
    get_run_logger().info("%s: %s rows", entry.table, f"{entry.rows:,}")
    create_markdown_artifact(
        key="export-sheet",
        markdown=f"**{entry.rows:,} rows** below the header, as of {entry.snapshot_at:%Y-%m-%d %H:%M:%S} UTC: "
        f"[{entry.table}](https://docs.google.com/spreadsheets/d/{written.spreadsheet})",
        description=f"{entry.rows:,} rows into {entry.table}",
    )
    return entry


if __name__ == "__main__":
    run(export_sheet)
