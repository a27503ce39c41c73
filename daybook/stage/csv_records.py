"""Find the boundaries of CSV rows, to split chunks into parts and to name a row in an error."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from daybook.errors import StageError, ValueRefused
from daybook.stage.csv_format import NOT_SENT, Chunk

_LF = b"\n"


def split(chunk: Chunk, size: int) -> Iterator[Chunk]:
    """Split a chunk into chunks of at most `size` bytes. A longer row becomes its own chunk.

    Raises:
        StageError: the chunk does not end with a whole row.
    """
    data, start, rows = chunk.data, 0, chunk.rows
    if not data.endswith(_LF):
        raise StageError("A chunk does not end with a newline: the source must yield whole rows of CSV.")
    while rows > 1 and len(data) - start > size:
        end = _cut(data, start, size)
        piece = data[start:end]
        piece_rows = sum(unquoted.count(_LF) for unquoted in piece.split(b'"')[::2])
        yield Chunk(piece, piece_rows)
        start, rows = end, rows - piece_rows
    yield Chunk(data[start:], rows) if start else chunk


def _cut(data: bytes, start: int, size: int) -> int:
    """Return the end of the last row within `size` bytes of `start`, or the end of the first row if it is longer."""
    # Quotes inside quotes are doubled, so a newline ends a row if and only if an even number of quotes precedes it.
    end = max(start, data.rfind(_LF, start, start + size) + 1)
    quotes = data.count(b'"', start, end)
    while quotes % 2:
        line, end = end, max(start, data.rfind(_LF, start, end - 1) + 1)
        quotes -= data.count(b'"', end, line)
    if end > start:
        return end
    end, quotes = start, 0
    while end == start or quotes % 2:
        line, end = end, data.find(_LF, end) + 1
        if not end:
            raise StageError("A chunk ends inside quotes: the source must yield whole rows of CSV.")
        quotes += data.count(b'"', line, end)
    return end


def records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield CSV records as pairs: the number of the record's last line, from 1, and its fields.

    Takes lines that end with a newline.
    """
    # By default, the csv module refuses fields beyond 128 KiB. It can only raise the limit for the whole process.
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(lines)
    for record in reader:
        yield reader.line_num, record


def refuse_nul(chunk: Chunk, rows_before: int, table: str, columns: Sequence[str], key: Sequence[str]) -> None:
    """Raise ValueRefused, with the row and the column, for a NUL byte, which no warehouse can store in text.

    A field that starts with `NOT_SENT` has the reason why the source cannot send it.

    Args:
        chunk: the rows.
        rows_before: the number of rows of the run before this chunk.
        table: the name of the table, for the error.
        columns: the names of the columns, in the order of the CSV.
        key: the columns that identify a row.
    """
    if b"\0" not in chunk.data:
        return
    lines = chunk.data.decode("utf-8", errors="replace").removesuffix("\n").split("\n")
    found = enumerate(records(line + "\n" for line in lines), start=rows_before + 1)
    number, fields = next((number, fields) for number, (_, fields) in found if any("\0" in field for field in fields))
    values = dict(zip(columns, fields, strict=False))
    column = next((name for name, value in values.items() if "\0" in value), "?")
    shown = {name: values[name].removeprefix(NOT_SENT) for name in key if name in values}
    row = ", ".join(f"{name} = {value!r}" for name, value in shown.items()) or f"number {number} of the run"
    why = "a NUL byte (U+0000), which no warehouse can store in text"
    if values.get(column, "").startswith(NOT_SENT):
        why = values[column].removeprefix(NOT_SENT)
    raise ValueRefused(
        f"{table}: column {column!r} of row {row} contains {why}. "
        "Correct the row in the source, or remove the column from columns: in the table file."
    )
