"""`kind: google_sheet`: a sheet whose first row names the columns, as people see it.

What is shown is what is loaded: `5.10` stays 5.10, whether it is a text or a number with that format, and dates and
numbers come in the sheet's own spelling, which `values:` declares. What a format hides is not loaded. A sheet is read
by one request, so that all of it is of one moment; it is held in memory, which Google's limits bound.
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
from daybook.sources.google_sheets.ranges import cell_name
from daybook.sources.text.typed_csv import TextRows, declared
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

#: What a cell shows whose formula has failed, or is still waiting for another site.
_FAILED = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#ERROR!", "Loading..."}


class GoogleSheet:
    """A sheet as it was read."""

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
        """The columns that the header names, of the types that the table file gives them; one that it lacks is text."""
        return self._columns

    def warnings(self) -> list[str]:
        """Rows without a value, between others, are no rows; people leave them for the eye, or by mistake."""
        blank = [self._number(place) for place, row in enumerate(self._rows) if not any(row)]
        if not blank:
            return []
        shown = ", ".join(map(str, blank[:10])) + (" …" if len(blank) > 10 else "")
        return [f"{self._table.name}: {len(blank)} rows of {self._config.sheet!r} are blank and left out: {shown}"]

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """A sheet has no intervals. Raises Uncountable."""
        raise Uncountable(f"{self._table.name}: a sheet is loaded whole and has no intervals to count")

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Every row that is not blank.

        Raises:
            ValueRefused: a value does not fit its column, or is the error of a formula; names the row and the column.
        """
        yield from TextRows(self._table, columns, self._config.values, format).chunks(self._texts(columns))

    def _texts(self, columns: Sequence[Column]) -> Iterator[tuple[str, list[str]]]:
        places = [self._places[column.name] for column in columns]
        failed = _FAILED - set(self._config.values.nulls)
        for number, row in enumerate(self._rows):
            if not any(row):
                continue
            texts = [row[place] if place < len(row) else "" for place in places]
            for place, text in zip(places, texts, strict=True):
                if text in failed:
                    raise ValueRefused(
                        f"{self._table.name}, cell {self._cell(number, place)}: it shows {text}, so its formula has "
                        "failed or is not done. Mend it in the sheet, or list it under values: nulls:"
                    )
            yield f"row {self._number(number)}", texts

    def _header(self, header: list[str]) -> dict[str, int]:
        """Where each column is, by its name. Raises SourceError for names that do not tell the columns apart."""
        where = f"{self._table.name}: row {self._config.header_row} of {self._config.sheet!r}"
        names = [name.strip() for name in header]
        if not any(names):
            raise SourceError(
                f"{where} names no columns{': the sheet is empty there' if not self._rows else ''}. Put the names of "
                "the columns there, or correct header_row in the table file"
            )
        width = max(map(len, [names, *self._rows]))
        problems, places = [], dict[str, int]()
        for place, name in enumerate(itertools.islice(itertools.chain(names, itertools.repeat("")), width)):
            cell = self._cell(-1, place)
            if name in places:
                problems.append(f"{cell} says {name!r} again, which {self._cell(-1, places[name])} does: rename one")
            elif name:
                places[name] = place
            elif below := [number for number, row in enumerate(self._rows) if any(row[place : place + 1])]:
                problems.append(f"{cell} is blank, and {self._cell(below[0], place)} below it is not: name the column")
            elif any(names[place:]):
                problems.append(f"{cell} is blank: name the column, or delete it")
        if problems:
            raise SourceError("\n- ".join([f"{where} does not name the columns:", *problems]))
        return places

    def _number(self, place: int) -> int:
        """The row's number in the sheet, of the row at `place` below the header; the header is at -1."""
        return self._config.header_row + 1 + place

    def _cell(self, row: int, place: int) -> str:
        return cell_name(self._number(row) - 1, place)
