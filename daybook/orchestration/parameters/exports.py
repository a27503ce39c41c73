"""Parameters of the flow that exports to a Google sheet."""

from typing import Annotated

from pydantic import AfterValidator

from daybook.definitions.registry import read_dataset
from daybook.orchestration.parameters.json_schema import explained
from daybook.sources.google_sheets.client import spreadsheet_id
from daybook.sources.google_sheets.ranges import parse


def _valid_range(text: str) -> str:
    parse(text)
    return text


def _known_dataset(name: str) -> str:
    return read_dataset(name).name


SpreadsheetId = Annotated[
    str,
    AfterValidator(spreadsheet_id),
    explained("The spreadsheet's address, as the browser shows it, or its ID.", "string"),
]
Range = Annotated[
    str,
    AfterValidator(_valid_range),
    explained("The range to replace: a sheet (Report), or a part of it (Report!A1:F, down to its end).", "string"),
]
DatasetName = Annotated[
    Annotated[str, AfterValidator(_known_dataset)] | None,
    explained(
        "The table or summary to write. All of its rows are written, in the order of its key.",
        "string",
        "null",
    ),
]
Query = Annotated[str | None, explained("Instead of a table: one SELECT, in the warehouse's SQL.", "string", "null")]
GoogleBlock = Annotated[str, explained("The GcpCredentials block with the service account's key.", "string")]
