"""Writes a grid of cells over an area of a sheet, in one request that Google carries out whole or not at all."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from daybook.integrations.google_sheets.cells import Cell, sent
from daybook.sources.google_sheets.client import Spreadsheet
from daybook.sources.google_sheets.ranges import MOST_CELLS, MOST_COLUMNS, Area

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

Rows = Sequence[Sequence[Cell]]


def replace(spreadsheet: Spreadsheet, area: Area, rows: Rows) -> None:
    """Make `rows` all that is in `area`: the sheet grows where it must, and what else was in the area is emptied.

    Formats, notes and the cells around it stay. Only values are written, each as what it is (`cells.sent`).

    Raises: what `spreadsheet` raises, also where the rows do not fit.
    """
    width = max(map(len, rows))
    _check_fits(spreadsheet, area, len(rows), width)
    data = [{"values": [sent(cell) for cell in row]} for row in rows]

    def attempt(http: "HTTPClient") -> None:
        # Each try looks at the sheet anew: one whose answer was lost may have made it grow.
        requests, range = _growth(spreadsheet, area, len(rows), width)
        # Cells of the range that no row has a value for are emptied of just these fields.
        requests.append({"updateCells": {"range": range, "rows": data, "fields": "userEnteredValue"}})
        http.batch_update(spreadsheet.id, {"requests": requests})

    spreadsheet.ask(attempt)


def _check_fits(spreadsheet: Spreadsheet, area: Area, rows: int, width: int) -> None:
    room_down = area.end_row and area.end_row - area.first_row
    room_across = area.end_column and area.end_column - area.first_column
    if room_down and rows > room_down:
        raise spreadsheet.refused(
            f"{area} has room for {room_down:,} rows, and the header and its rows are {rows:,}. Leave out the last "
            "row of the range, and it reaches as far down as it must"
        )
    if room_across and width > room_across:
        raise spreadsheet.refused(f"{area} has room for {room_across:,} columns, and there are {width:,}")


def _growth(spreadsheet: Spreadsheet, area: Area, rows: int, width: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The requests that make the sheet large enough, and the range that the area is then, as the API's GridRange."""
    sheets = spreadsheet.sheets()
    if area.sheet not in sheets:
        raise spreadsheet.refused(f"it has no sheet {area.sheet!r}; it has {', '.join(map(repr, sheets))}")
    sheet = sheets[area.sheet]
    if "gridProperties" not in sheet:
        raise spreadsheet.refused(f"the sheet {area.sheet!r} is a chart and has no cells")
    has = (sheet["gridProperties"]["rowCount"], sheet["gridProperties"]["columnCount"])
    needs = (max(has[0], area.first_row + rows), max(has[1], area.first_column + width))
    others = sum(_size(other) for title, other in sheets.items() if title != area.sheet)
    if needs[1] > MOST_COLUMNS:
        raise spreadsheet.refused(f"it would have {needs[1]:,} columns, and a sheet has at most {MOST_COLUMNS:,}")
    if others + needs[0] * needs[1] > MOST_CELLS:
        raise spreadsheet.refused(
            f"the spreadsheet would have {others + needs[0] * needs[1]:,} cells, and Google allows {MOST_CELLS:,}; "
            f"{others:,} are in its other sheets. Select fewer rows or columns, or use a spreadsheet of its own"
        )
    growth = [
        {"appendDimension": {"sheetId": sheet["sheetId"], "dimension": dimension, "length": need - there}}
        for dimension, need, there in zip(("ROWS", "COLUMNS"), needs, has, strict=True)
        if need > there
    ]
    range = {
        "sheetId": sheet["sheetId"],
        "startRowIndex": area.first_row,
        "endRowIndex": min(area.end_row or needs[0], needs[0]),
        "startColumnIndex": area.first_column,
        "endColumnIndex": min(area.end_column or needs[1], needs[1]),
    }
    return growth, range


def _size(sheet: Mapping[str, Any]) -> int:
    grid = sheet.get("gridProperties", {"rowCount": 0, "columnCount": 0})
    return int(grid["rowCount"]) * int(grid["columnCount"])
