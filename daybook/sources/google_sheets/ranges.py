"""Ranges of a spreadsheet in A1 notation: a sheet, or a rectangle in it."""

import re
from dataclasses import dataclass

from daybook.extras import extra

#: Google's limits.
MOST_CELLS, MOST_COLUMNS = 10_000_000, 18_278

_CELLS = re.compile(r"(?=[A-Za-z0-9])([A-Za-z]{0,3})([1-9][0-9]*)?:(?=[A-Za-z0-9])([A-Za-z]{0,3})([1-9][0-9]*)?")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of a sheet. Rows and columns count from 0, and ends are exclusive. None is the end of the sheet."""

    sheet: str
    first_row: int = 0
    end_row: int | None = None
    first_column: int = 0
    end_column: int | None = None
    cells: str = ""
    """The rectangle in A1 notation, without the sheet. "" is the whole sheet."""

    def __str__(self) -> str:
        return f"{self.sheet}!{self.cells}" if self.cells else self.sheet

    @property
    def a1(self) -> str:
        """Return the range for the API. The sheet is quoted, so that a sheet named `A1` is not read as a cell."""
        sheet = "'" + self.sheet.replace("'", "''") + "'"
        return f"{sheet}!{self.cells}" if self.cells else sheet


def parse(text: str) -> Area:
    """Parse a range: `Report`, `Report!A1:F` (down to the end of the sheet), `'My report'!B3:F100`.

    Raises:
        ValueError: the text is not a range; the message has an example.
    """
    sheet, separator, cells = text.strip().rpartition("!")
    if not separator:
        sheet, cells = cells, ""
    if len(sheet) > 1 and sheet[0] == sheet[-1] == "'":
        sheet = sheet[1:-1].replace("''", "'")
    found = _CELLS.fullmatch(cells)
    if not sheet or (cells and not found):
        raise ValueError(f"{text!r} is not a range: give a sheet, or its first and last cell, as in Report!A1:F")
    if not found:
        return Area(sheet)
    left, top, right, bottom = found.groups()
    area = Area(
        sheet,
        int(top) - 1 if top else 0,
        int(bottom) if bottom else None,
        _column(left) - 1 if left else 0,
        _column(right) if right else None,
        cells.upper(),
    )
    if (area.end_row or area.first_row + 1) <= area.first_row or (
        area.end_column or area.first_column + 1
    ) <= area.first_column:
        raise ValueError(f"{text!r} ends before it starts")
    return area


def cell_name(row: int, column: int) -> str:
    """Return the name of a cell, such as `B7`. Takes its row and column, counted from 0."""
    with extra("sheets"):
        from gspread.utils import rowcol_to_a1

    return str(rowcol_to_a1(row + 1, column + 1))


def _column(letters: str) -> int:
    """Return the number of a column by its letters. A is 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
