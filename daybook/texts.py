"""Rows whose values are texts (of a CSV, JSON lines, a sheet), as the typed CSV of the stage."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from daybook.columns import Column, Type
from daybook.csv_format import Chunk, CsvFormat
from daybook.errors import SourceError, ValueRefused
from daybook.spelling import Spelling

if TYPE_CHECKING:
    from daybook.table import Table

_CHUNK = 2**20  # bytes, about: what the stage likes best
_SHOWN = 60  # characters of a value in an error

Value = Callable[[str], str | None]
Row = Sequence[str | None]


def declared(table: "Table") -> list[Column]:
    """The columns of a source that has no types of its own: those of the table file.

    Raises:
        SourceError: the table file declares none.
    """
    types = table.declared_types
    if not types:
        raise SourceError(
            f"{table.name}: a {table.source.kind} source is text and has no types: name its columns with their types "
            "under columns: in the table file"
        )
    return [Column(name, type, nullable=name not in table.key) for name, type in types.items()]


class TextRows:
    """Turns rows of texts into CSV for the stage, each value checked against its column's type."""

    def __init__(self, table: "Table", columns: Sequence[Column], spelling: Spelling, format: CsvFormat) -> None:
        self._table, self._columns, self._format = table, columns, format
        self._readers: list[Value] = [spelling.reader(column.type) for column in columns]
        self._writers = [_writer(column.type, format) for column in columns]

    def chunks(self, rows: Iterable[tuple[str, Row]]) -> Iterator[Chunk]:
        """The rows as chunks of CSV. Takes pairs: where a row is ("line 7"), and its values in the columns' order.

        A value of None is NULL, whatever the spelling. Raises ValueRefused, which names the row, the column and why.
        """
        lines: list[str] = []
        size = 0
        for where, row in rows:
            line = self._line(where, row)
            lines.append(line)
            size += len(line)
            if size >= _CHUNK:
                yield Chunk("".join(lines).encode(), len(lines))
                lines, size = [], 0
        if lines:
            yield Chunk("".join(lines).encode(), len(lines))

    def _line(self, where: str, row: Row) -> str:
        null, fields = self._format.null, []
        place = 0
        try:
            for place, text in enumerate(row):
                value = None if text is None else self._readers[place](text)
                fields.append(null if value is None else self._writers[place](value))
        except ValueError as error:
            raise self._refused(where, row, place, error) from None
        return ",".join(fields) + "\n"

    def _refused(self, where: str, row: Row, place: int, error: ValueError) -> ValueRefused:
        column, value = self._columns[place], str(row[place])
        named = dict(zip((column.name for column in self._columns), row, strict=False))
        key = ", ".join(f"{name}={named[name]}" for name in self._table.key if name in named)
        shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        return ValueRefused(
            f"{self._table.name}, {where}{f', row {key}' if key else ''}, column {column.name}: {shown!r} does not fit "
            f"{column.type}: {error}. Correct it at the source, or say under source: values: how it is written"
        )


def hashed(text: str) -> str:
    """What `mask: hash` makes of a text: the hex digits of its SHA-256, as the databases compute it, too."""
    return hashlib.sha256(text.encode()).hexdigest()


def _writer(type: Type, format: CsvFormat) -> Callable[[str], str]:
    if type.kind == "bytes":
        return lambda digits: f'"{format.bytes_prefix}{digits or format.empty_bytes}"'
    if not type.quoted:
        return str
    return lambda text: '"' + text.replace('"', '""') + '"'
