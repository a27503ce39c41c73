"""Where the rows of a CSV begin and end: what the stage must know to cut parts, and to name the row that went wrong."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from daybook.errors import StageError, ValueRefused
from daybook.stage.csv_format import Chunk

_LF = b"\n"


def split(chunk: Chunk, size: int) -> Iterator[Chunk]:
    """The chunk's rows in chunks of at most `size` bytes or of one row; the chunk itself if it is no larger.

    Raises StageError if the chunk does not end with a whole row.
    """
    data, start, rows = chunk.data, 0, chunk.rows
    if not data.endswith(_LF):
        raise StageError("A chunk of rows does not end with a newline: the source must yield whole rows of CSV.")
    while rows > 1 and len(data) - start > size:
        end = _cut(data, start, size)
        piece = data[start:end]
        piece_rows = sum(unquoted.count(_LF) for unquoted in piece.split(b'"')[::2])
        yield Chunk(piece, piece_rows)
        start, rows = end, rows - piece_rows
    yield Chunk(data[start:], rows) if start else chunk


def _cut(data: bytes, start: int, size: int) -> int:
    """Where the last row ends that ends within `size` bytes of `start`; or the first row, if that is longer."""
    # Quotes inside quotes are doubled, so a newline ends a row exactly if an even number of quotes precedes it.
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
            raise StageError("A chunk of rows ends inside quotes: the source must yield whole rows of CSV.")
        quotes += data.count(b'"', line, end)
    return end


def records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The CSV records of lines that end with a newline: (number of the record's last line, from 1; its fields)."""
    # The csv module refuses fields beyond 128 KiB unless told otherwise, and can only be told for the whole process.
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(lines)
    for record in reader:
        yield reader.line_num, record


def refuse_nul(chunk: Chunk, rows_before: int, table: str, columns: Sequence[str], key: Sequence[str]) -> None:
    """Raise ValueRefused if the chunk holds a NUL byte, which no warehouse can hold in text: names its row and column.

    Takes the chunk, how many rows of the run came before it, and which columns identify a row.
    """
    if b"\0" not in chunk.data:
        return
    lines = chunk.data.decode("utf-8", errors="replace").removesuffix("\n").split("\n")
    found = enumerate(records(line + "\n" for line in lines), start=rows_before + 1)
    number, fields = next((number, fields) for number, (_, fields) in found if any("\0" in field for field in fields))
    values = dict(zip(columns, fields, strict=False))
    column = next((name for name, value in values.items() if "\0" in value), "?")
    row = ", ".join(f"{name} = {values[name]!r}" for name in key if name in values) or f"number {number} of the run"
    raise ValueRefused(
        f"{table}: column {column!r} of the row {row} holds a NUL byte (U+0000), which no warehouse can hold in text. "
        "Correct the row at the source, or leave the column out of the `columns` in the table's file."
    )
