"""Where in a spreadsheet: a sheet, or a rectangle of one, as people type it (A1 notation)."""

import re
from dataclasses import dataclass

from daybook.extras import extra

#: What Google allows at most.
MOST_CELLS, MOST_COLUMNS = 10_000_000, 18_278

_CELLS = re.compile(r"(?=[A-Za-z0-9])([A-Za-z]{0,3})([1-9][0-9]*)?:(?=[A-Za-z0-9])([A-Za-z]{0,3})([1-9][0-9]*)?")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of a sheet. Rows and columns count from 0, ends are exclusive; an end of None is the sheet's own."""

    sheet: str
    first_row: int = 0
    end_row: int | None = None
    first_column: int = 0
    end_column: int | None = None
    cells: str = ""
    """As A1 notation without the sheet; "" is all of it."""

    def __str__(self) -> str:
        return f"{self.sheet}!{self.cells}" if self.cells else self.sheet

    @property
    def a1(self) -> str:
        """As the API takes it: quoted, so that a sheet called `A1` is no cell."""
        sheet = "'" + self.sheet.replace("'", "''") + "'"
        return f"{sheet}!{self.cells}" if self.cells else sheet


def parse(text: str) -> Area:
    """The area that `text` names: `Report`, `Report!A1:F` (down to the sheet's end), `'My report'!B3:F100`.

    Raises:
        ValueError: it is none, with what to type.
    """
    sheet, separator, cells = text.strip().rpartition("!")
    if not separator:
        sheet, cells = cells, ""
    if len(sheet) > 1 and sheet[0] == sheet[-1] == "'":
        sheet = sheet[1:-1].replace("''", "'")
    found = _CELLS.fullmatch(cells)
    if not sheet or (cells and not found):
        raise ValueError(f"{text!r} is no range: name a sheet, or where it begins and ends, as in Report!A1:F")
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
        raise ValueError(f"{text!r} ends before it begins")
    return area


def cell_name(row: int, column: int) -> str:
    """What people call a cell, both counted from 0: `B7`."""
    with extra("sheets"):
        from gspread.utils import rowcol_to_a1

    return str(rowcol_to_a1(row + 1, column + 1))


def _column(letters: str) -> int:
    """A is 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
