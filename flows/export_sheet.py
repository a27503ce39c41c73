"""Write a table of the warehouse, or the result of one SELECT, to a Google sheet."""

from daybook.ledger.ledger import Entry
from daybook.orchestration.command_line import run
from daybook.orchestration.exports.google_sheet import note, run_name, select, write
from daybook.orchestration.flow import flow
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.monitor_events import emit_recovery
from daybook.orchestration.parameters.exports import DatasetName, GoogleBlock, Query, Range, SpreadsheetId


@flow(name="export-sheet", flow_run_name=run_name, on_completion=[emit_recovery], **retry_options())
def export_sheet(
    spreadsheet: SpreadsheetId,
    range: Range,
    table: DatasetName = None,
    query: Query = None,
    block: GoogleBlock = "google",
) -> Entry:
    """Replace a range of a Google sheet with a table or the rows of a query. Reruns are idempotent."""
    selection = select(table, query)
    written = write(selection, spreadsheet, range, block)
    return note(written)


if __name__ == "__main__":
    run(export_sheet)
