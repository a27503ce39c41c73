"""Write a grid of cells into an area of a sheet, in one request. Google applies all of it or nothing."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from daybook.integrations.google_sheets.cells import Cell, sent
from daybook.sources.google_sheets.client import Spreadsheet
from daybook.sources.google_sheets.ranges import MOST_CELLS, MOST_COLUMNS, Area

if TYPE_CHECKING:
    from gspread.http_client import HTTPClient

Rows = Sequence[Sequence[Cell]]


def replace(spreadsheet: Spreadsheet, area: Area, rows: Rows) -> None:
    """Replace the content of `area` with `rows`. The sheet grows if it must, and other cells of the area are cleared.

    Formats, notes and the cells outside of the area do not change. Each value has an explicit kind (`cells.sent`).

    Raises:
        DaybookError: the `failed` or `lost` class of `spreadsheet`; also if the rows do not fit.
    """
    width = max(map(len, rows))
    _check_fits(spreadsheet, area, len(rows), width)
    data = [{"values": [sent(cell) for cell in row]} for row in rows]

    def attempt(http: "HTTPClient") -> None:
        # Every attempt reads the size again: an earlier attempt, whose response was lost, may have changed it.
        requests, range = _growth(spreadsheet, area, len(rows), width)
        # The API clears the same fields in cells of the range that have no value in `rows`.
        requests.append({"updateCells": {"range": range, "rows": data, "fields": "userEnteredValue"}})
        http.batch_update(spreadsheet.id, {"requests": requests})

    spreadsheet.ask(attempt)


def _check_fits(spreadsheet: Spreadsheet, area: Area, rows: int, width: int) -> None:
    room_down = area.end_row and area.end_row - area.first_row
    room_across = area.end_column and area.end_column - area.first_column
    if room_down and rows > room_down:
        raise spreadsheet.refused(
            f"{area} has room for {room_down:,} rows, but the header and the rows need {rows:,}. Leave out the last "
            "row of the range: then it grows with the rows"
        )
    if room_across and width > room_across:
        raise spreadsheet.refused(
            f"{area} has room for {room_across:,} columns, but there are {width:,}. Use a wider range, or select fewer"
        )


def _growth(spreadsheet: Spreadsheet, area: Area, rows: int, width: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the requests that make the sheet large enough, and the area's range after them as the API's GridRange."""
    sheets = spreadsheet.sheets()
    if area.sheet not in sheets:
        raise spreadsheet.refused(f"it has no sheet {area.sheet!r}. Its sheets are {', '.join(map(repr, sheets))}")
    sheet = sheets[area.sheet]
    if "gridProperties" not in sheet:
        raise spreadsheet.refused(f"the sheet {area.sheet!r} is a chart and has no cells: use another sheet")
    has = (sheet["gridProperties"]["rowCount"], sheet["gridProperties"]["columnCount"])
    needs = (max(has[0], area.first_row + rows), max(has[1], area.first_column + width))
    others = sum(_size(other) for title, other in sheets.items() if title != area.sheet)
    if needs[1] > MOST_COLUMNS:
        raise spreadsheet.refused(
            f"the sheet would have {needs[1]:,} columns, but Google allows {MOST_COLUMNS:,}. Select fewer columns"
        )
    if others + needs[0] * needs[1] > MOST_CELLS:
        raise spreadsheet.refused(
            f"the spreadsheet would have {others + needs[0] * needs[1]:,} cells, but Google allows {MOST_CELLS:,}. "
            f"{others:,} are in its other sheets. Select fewer rows or columns, or use a separate spreadsheet"
        )
    growth = [
        {"appendDimension": {"sheetId": sheet["sheetId"], "dimension": dimension, "length": need - size}}
        for dimension, need, size in zip(("ROWS", "COLUMNS"), needs, has, strict=True)
        if need > size
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
