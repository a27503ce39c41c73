"""Load a Google sheet as people see it.

Daybook loads the text that a cell shows: `5.10` stays 5.10, both as a text and as a number with that format. Dates and
numbers have the formats of the sheet, which `values:` declares. Digits that a format hides are not loaded. One request
reads the whole sheet, so all rows are from one snapshot. The sheet is held in memory: Google limits its size.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from daybook.errors import SourceError, Uncountable, ValueRefused
from daybook.model.interval import Interval
from daybook.model.types import Column, Type
from daybook.sources.base import Span
from daybook.sources.google_sheets import Config
from daybook.sources.google_sheets.formula_errors import FORMULA_ERRORS
from daybook.sources.google_sheets.ranges import cell_name
from daybook.sources.text.typed_csv import TextRows, declared
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec


class GoogleSheet:
    """The content of a sheet."""

    def __init__(self, table: "TableSpec", config: Config, rows: list[list[str]], read_at: datetime) -> None:
        self._table, self._config, self.snapshot_at = table, config, read_at
        first = config.header_row - 1
        self._rows = rows[first + 1 :]
        while self._rows and not any(self._rows[-1]):
            self._rows.pop()
        self._places = self._header(rows[first] if first < len(rows) else [])
        types = {column.name: column for column in declared(table, "google_sheet")}
        self._columns = [types.get(name, Column(name, Type("text"))) for name in self._places]

    def columns(self) -> list[Column]:
        """Return the columns of the header with the types of the table file. A column that it does not list is text."""
        return self._columns

    def warnings(self) -> list[str]:
        """Warn about blank rows between others, which are not loaded. People leave them for layout, or by mistake."""
        blank = [self._number(place) for place, row in enumerate(self._rows) if not any(row)]
        if not blank:
            return []
        shown = ", ".join(map(str, blank[:10])) + (" …" if len(blank) > 10 else "")
        return [f"{self._table.name}: {len(blank)} rows of {self._config.sheet!r} are blank and not loaded: {shown}"]

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Raise Uncountable, since a sheet has no intervals."""
        raise Uncountable(f"{self._table.name}: a sheet has no intervals, so its rows cannot be counted by interval")

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Yield every row that is not blank.

        Raises:
            ValueRefused: a value does not fit its column, or is the error of a formula. The message names the cell, or
                the row and the column.
        """
        yield from TextRows(self._table, columns, self._config.values, format).chunks(self._texts(columns))

    def _texts(self, columns: Sequence[Column]) -> Iterator[tuple[str, list[str]]]:
        places = [self._places[column.name] for column in columns]
        failed = FORMULA_ERRORS - set(self._config.values.nulls)
        for number, row in enumerate(self._rows):
            if not any(row):
                continue
            texts = [row[place] if place < len(row) else "" for place in places]
            for place, text in zip(places, texts, strict=True):
                if text in failed:
                    raise ValueRefused(
                        f"{self._table.name}, cell {self._cell(number, place)}: it shows {text}, so its formula has "
                        "failed or not finished. Correct it in the sheet, or load it as NULL: list it under values: "
                        "nulls:"
                    )
            yield f"row {self._number(number)}", texts

    def _header(self, header: list[str]) -> dict[str, int]:
        """Return the position of each column by its name. Raise SourceError for missing and repeated names."""
        where = f"{self._table.name}: row {self._config.header_row} of {self._config.sheet!r}"
        names = [name.strip() for name in header]
        if not any(names):
            raise SourceError(
                f"{where} has no column names{': the sheet is empty there' if not self._rows else ''}. Add the "
                "names in this row, or correct header_row in the table file"
            )
        width = max(map(len, [names, *self._rows]))
        problems, places = [], dict[str, int]()
        for place, name in enumerate(itertools.islice(itertools.chain(names, itertools.repeat("")), width)):
            cell = self._cell(-1, place)
            if name in places:
                problems.append(f"{cell} repeats the name {name!r} of {self._cell(-1, places[name])}: rename one")
            elif name:
                places[name] = place
            elif below := [number for number, row in enumerate(self._rows) if any(row[place : place + 1])]:
                problems.append(f"{cell} is blank, but {self._cell(below[0], place)} below it is not: name the column")
            elif any(names[place:]):
                problems.append(f"{cell} is blank: name the column, or delete it")
        if problems:
            raise SourceError("\n- ".join([f"{where} must name each column once:", *problems]))
        return places

    def _number(self, place: int) -> int:
        """Return the number in the sheet of the row at `place`, counted from 0 below the header, which is at -1."""
        return self._config.header_row + 1 + place

    def _cell(self, row: int, place: int) -> str:
        return cell_name(self._number(row) - 1, place)
