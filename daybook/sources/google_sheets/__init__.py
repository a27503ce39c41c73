"""`kind: google_sheet`: a sheet with column names in its header row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from daybook.errors import SourceError, SourceLost
from daybook.sources.base import ConnectionProvider, Source, SourceKind
from daybook.sources.google_sheets.client import READ, Spreadsheet, spreadsheet_id
from daybook.sources.google_sheets.ranges import Area
from daybook.sources.text.value_formats import ISO, ValueFormats

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec


class Config(SourceKind):
    """A Google sheet: `source:` of a table file."""

    masks: ClassVar[bool] = True

    kind: Literal["google_sheet"]
    block: str = Field("google", description="The GcpCredentials block with the service account's key.")
    spreadsheet: Annotated[str, AfterValidator(spreadsheet_id)] = Field(
        description="The address of the spreadsheet in the browser, or its id."
    )
    sheet: str = Field(min_length=1, description="The name on the sheet's tab.")
    header_row: int = Field(
        1, ge=1, description="The number of the row with the column names. Rows above it are not read."
    )
    values: ValueFormats = Field(ISO, description="The formats of dates, numbers and NULL.")

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Read the sheet.

        Raises:
            SourceError: Google refuses the request, with the remedy, or the header does not identify the columns.
            SourceLost: every try failed: Google did not answer, or a quota was exhausted.
        """
        if table.strategy.has_intervals or table.cursor:
            raise SourceError(
                f"{table.name}: a sheet has no history, so each load replaces the whole table: use load: replace in "
                "the table file, and remove cursor, interval and start"
            )
        from daybook.sources.google_sheets.source import GoogleSheet

        account = keys.google(self.block)
        what = f"{table.name}: sheet {self.sheet!r}"
        spreadsheet = Spreadsheet(account, self.spreadsheet, READ, what=what, failed=SourceError, lost=SourceLost)
        yield GoogleSheet(table, self, *spreadsheet.values(Area(self.sheet).a1, "FORMATTED_VALUE"))
