"""Read CSV files of third parties. The table file declares their dialect, or the expected header determines it.

A row with too many or too few fields, a quote that is not closed and an unexpected header are refused with their line.
"""

import csv
import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from pydantic import BaseModel, Field, field_validator, model_validator

from daybook.errors import FileRefused
from daybook.sources.text.compression import Readable
from daybook.sources.text.encoding import MAX_LINE, lines_of, text_encoding
from daybook.suggestions import closest

logger = logging.getLogger(__name__)

#: The limit is for the whole process. Its default of 128 KiB is less than a warehouse can hold. `MAX_LINE` limits rows.
csv.field_size_limit(2**31 - 1)

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_PAGES = ("<!doctype html", "<html", "<?xml", "<head", "<body")


class CsvDialect(BaseModel):
    """The dialect of a CSV: fields of `source:` in a table file."""

    encoding: str | None = Field(
        None,
        description="The encoding of the file. Default: that of its byte order mark, else the server's charset, else "
        "UTF-8.",
    )
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="The character between fields. Default: the comma, semicolon, tab or bar that fits the header.",
    )
    quote: str = Field(
        '"', max_length=1, description='The character around quoted fields, doubled inside of them. "": none.'
    )
    escape: str | None = Field(
        None, min_length=1, max_length=1, description="The character that escapes a quote or a delimiter: \\."
    )
    header: bool = Field(
        True,
        description="If true, the first row has the column names. If false, fields are in the order of `columns:`.",
    )
    rename: dict[str, str] = Field({}, description="Columns to rename, as name in the header: name of the column.")

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, name: str | None) -> str | None:
        return name and text_encoding(name)

    @model_validator(mode="after")
    def _differ(self) -> "CsvDialect":
        given = [mark for mark in (self.delimiter, self.quote, self.escape) if mark]
        if len(set(given)) < len(given) or set(given) & {"\r", "\n", "\0"}:
            raise ValueError("delimiter, quote and escape must be different characters, and none a newline")
        return self


def read_csv(
    stream: Readable,
    dialect: CsvDialect,
    columns: Sequence[str],
    *,
    what: str,
    charset: str | None = None,
    wanted: Sequence[str] | None = None,
    ignore_more: bool = False,
) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the rows of a CSV as pairs: the line of a row ("line 7"), and its fields. Ignore blank lines at the end.

    It needs about a mebibyte of memory.

    Args:
        stream: the file, decompressed.
        dialect: its dialect, as the table file declares it.
        columns: the columns that the file must have.
        what: the name of the file in errors.
        charset: the encoding that a server has sent.
        wanted: the columns to yield, in this order. None: `columns`.
        ignore_more: True if the file may have other columns, too.

    Raises:
        FileRefused: the file is empty, a web page, not text in its encoding, or has an unexpected header or row.
    """
    lines = lines_of(stream, what=what, encoding=dialect.encoding, charset=charset)
    return _Reading(dialect, list(columns), what, ignore_more).rows(lines, list(wanted or columns))


class _Reading:
    """The state of reading one file."""

    def __init__(self, dialect: CsvDialect, columns: list[str], what: str, ignore_more: bool) -> None:
        self._dialect, self._columns, self._what, self._ignore_more = dialect, columns, what, ignore_more

    def rows(self, lines: Iterator[str], wanted: list[str]) -> Iterator[tuple[str, Sequence[str]]]:
        first = self._first_row(lines)
        delimiter = self._dialect.delimiter or self._sniffed(first)
        records = self._records(chain(first, lines), delimiter)
        names = self._checked(next(records)[1]) if self._dialect.header else self._columns
        places, width, blank = [names.index(name) for name in wanted], len(names), 0
        as_it_is = places == list(range(width))
        for line, row in records:
            if not row:
                blank = blank or line
                continue
            if blank:
                raise self._refused(f"line {blank} is blank, but rows follow it", "Remove the blank line")
            if len(row) != width:
                fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
                raise self._refused(
                    f"line {line} has {fields}, but the {'header' if self._dialect.header else 'table'} has {width}",
                    "Correct the row (a delimiter inside a field needs quotes), or declare delimiter: and quote:",
                )
            yield f"line {line}", row if as_it_is else [row[place] for place in places]

    def _first_row(self, lines: Iterator[str]) -> list[str]:
        """Return the lines of the first row. A quoted name may span several lines."""
        quote, taken, quotes, size, started = self._dialect.quote, list[str](), 0, 0, False
        for line in lines:
            if not started and line.lstrip().lower().startswith(_PAGES):
                raise self._refused(
                    f"the file is not a CSV but a web page, which starts with {line.strip()[:60]!r}",
                    "Open the address in a browser: it may ask for a login, or say that the file has moved",
                )
            taken.append(line)
            quotes, size = quotes + (line.count(quote) if quote else 0), size + len(line)
            started = started or bool(line.strip())
            if (started and quotes % 2 == 0) or size > MAX_LINE:
                break
        if not started:
            raise self._refused("the file is empty", "If this is intended, provide a file with only its header")
        return taken

    def _records(self, lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
        dialect = self._dialect
        options: dict[str, Any] = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
        if dialect.escape:
            lines = self._escaped(lines, dialect.escape, {dialect.escape, dialect.quote, delimiter})
        line = size = 0

        def counted() -> Iterator[str]:
            nonlocal size
            for number, text in enumerate(lines, start=1):
                size += len(text)
                if size > MAX_LINE:
                    where = f"line {number}" if number == line else f"the row from line {line} to line {number}"
                    raise self._refused(
                        f"{where} has more than {MAX_LINE:,} characters", "Check that its quotes are closed"
                    )
                yield text

        reader = csv.reader(counted(), delimiter=delimiter, escapechar=dialect.escape, strict=True, **options)
        while True:
            line, size = reader.line_num + 1, 0
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._malformed(line, reader.line_num, str(error)) from None
            yield line, row

    def _escaped(self, lines: Iterator[str], escape: str, meant: set[str]) -> Iterator[str]:
        """Yield the lines, and refuse any other escape: the csv module would read \\N as an N, and \\n as an n."""
        for number, line in enumerate(lines, start=1):
            for part in line.replace(escape * 2, "").split(escape)[1:]:
                if part[:1] not in meant | {"\r", "\n"}:
                    raise self._refused(
                        f"line {number} has {escape + part[:1]!r}, but only a delimiter, a quote and {escape!r} itself "
                        "can be escaped",
                        "Write the file with doubled quotes, and with NULL as an empty field",
                    )
            yield line

    def _malformed(self, line: int, until: int, reason: str) -> FileRefused:
        where = f"line {line}" if until <= line else f"the row from line {line} to line {until}"
        if "end of data" in reason:
            return self._refused(
                f"the file ends inside of the row that starts in line {line}", "Check that its quotes are closed"
            )
        return self._refused(
            f"{where} is not valid CSV ({reason})",
            'Double the quotes inside of a quoted field. If the file has no quoted fields, declare quote: ""',
        )

    def _sniffed(self, first: list[str]) -> str:
        """Return the delimiter with which the first row has the most expected names.

        Without a header, it is the one with which the number of fields is closest to that of the columns.
        """
        fits: dict[str, tuple[int, int]] = {}
        for mark in _DELIMITERS:
            try:
                row = next(self._records(iter(first), mark))[1]
            except (FileRefused, StopIteration):
                continue
            names = len(set(self._named(row)) & set(self._columns)) if self._dialect.header else 0
            fits[mark] = (names, len(row) if self._dialect.header else -abs(len(row) - len(self._columns)))
        best = max(fits, key=lambda mark: fits[mark], default=",")
        logger.info("%s: the fields are separated by %s", self._what, _DELIMITERS[best])
        return best

    def _named(self, header: Sequence[str]) -> list[str]:
        return [self._dialect.rename.get(name.strip(), name.strip()) for name in header]

    def _checked(self, header: Sequence[str]) -> list[str]:
        """Return the names of the columns in the file's order. Each column of the table must occur exactly once."""
        names = self._named(header)
        wrong = []
        blank = [str(place) for place, name in enumerate(names, start=1) if not name]
        double = sorted({name for name in names if name and names.count(name) > 1})
        missing = [name for name in self._columns if name not in names]
        beyond = [name for name in names if name and name not in self._columns]
        if blank:
            wrong.append(f"has no name for column {', '.join(blank)}")
        if double:
            wrong.append(f"has {', '.join(double)} more than once")
        if missing:
            wrong.append(f"lacks {', '.join(missing)}")
        if beyond and not self._ignore_more:
            wrong.append(f"has {', '.join(beyond)}, which columns: in the table file does not list")
        if not wrong:
            return names
        close = {name: near for name in missing if (near := closest(name, beyond))}
        renamed = ", ".join(f"{near}: {name}" for name, near in close.items())
        raise self._refused(
            f"the header {', '.join(wrong)}. It is {', '.join(header)[:500]!r}",
            f"If a column was renamed, add under source: rename: {{{renamed}}}"
            if renamed
            else "Correct the file, or columns: in the table file; on_new_column: ignore skips new columns",
        )

    def _refused(self, why: str, remedy: str) -> FileRefused:
        return FileRefused(f"{self._what}: {why}. Nothing was changed. {remedy}")
