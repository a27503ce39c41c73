"""Convert rows of texts (of a CSV, JSON lines, a sheet) to the typed CSV of the stage."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from daybook.errors import SourceError, ValueRefused
from daybook.model.types import Column, Type
from daybook.sources.text.value_formats import ValueFormats
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

_CHUNK = 2**20  # approximate bytes: the ideal size for the stage
_VALUE_SHOWN = 60  # characters of a value in an error

Value = Callable[[str], str | None]
Row = Sequence[str | None]


def declared(table: "TableSpec", kind: str) -> list[Column]:
    """Return the columns that the table file declares, for a source without types.

    Raises:
        SourceError: the table file declares no columns.
    """
    types = table.declared_types
    if not types:
        raise SourceError(
            f"{table.name}: a {kind} source has no types: declare its columns with their types under columns: in the "
            "table file"
        )
    return [Column(name, type, nullable=name not in table.key) for name, type in types.items()]


class TextRows:
    """Converts rows of texts to CSV for the stage, and checks each value against the type of its column."""

    def __init__(self, table: "TableSpec", columns: Sequence[Column], formats: ValueFormats, format: CsvFormat) -> None:
        self._table, self._columns, self._formats, self._format = table, columns, formats, format
        self._readers: list[Value] = [_reader(column, formats) for column in columns]
        self._writers = [_writer(column.type, format) for column in columns]

    def chunks(self, rows: Iterable[tuple[str, Row]]) -> Iterator[Chunk]:
        """Yield the rows as chunks of CSV.

        Takes pairs: the position of a row ("line 7"), and its values in the order of the columns. None is NULL.

        Raises:
            ValueRefused: a value does not fit its column. The message names the row, the column and the reason.
        """
        lines: list[bytes] = []
        size = 0
        for where, row in rows:
            line = self._line(where, row)
            lines.append(line)
            size += len(line)
            if size >= _CHUNK:
                yield Chunk(b"".join(lines), len(lines))
                lines, size = [], 0
        if lines:
            yield Chunk(b"".join(lines), len(lines))

    def _line(self, where: str, row: Row) -> bytes:
        if len(row) != len(self._columns):
            raise ValueRefused(
                f"{self._table.name}, {where}: the row has {len(row)} values, but there are {len(self._columns)} "
                "columns. Correct the row in the source"
            )
        null, fields = self._format.null, []
        place = 0
        try:
            for place, text in enumerate(row):
                value = None if text is None else self._readers[place](text)
                fields.append(null if value is None else self._writers[place](value))
        except ValueError as error:
            raise self._refused(where, row, place, str(error)) from None
        try:
            return (",".join(fields) + "\n").encode()
        except UnicodeEncodeError:  # a lone surrogate, which JSON can escape
            place = next(place for place, field in enumerate(fields) if not _is_text(field))
            raise self._refused(where, row, place, "it contains half of a character (a lone surrogate)") from None

    def _refused(self, where: str, row: Row, place: int, why: str) -> ValueRefused:
        column = self._columns[place]
        named = dict(zip((column.name for column in self._columns), row, strict=True))
        for masked in (column for column in self._columns if column.mask):
            named[masked.name] = "(masked)"
        key = ", ".join(f"{name}={_shown(named[name])}" for name in self._table.key if name in named)
        return ValueRefused(
            f"{self._table.name}, {where}{f', row {key}' if key else ''}, column {column.name}: "
            f"{_shown(named[column.name])} does not fit {column.type}: {why}. Correct it in the source"
            f"{self._remedies(column, row[place] or '')}"
        )

    def _remedies(self, column: Column, text: str) -> str:
        """Return the changes of the table file with which `text` can be loaded; "" if no type can hold it."""
        if "\0" in text or not _is_text(text):
            return ""
        fields = self._formats.remedies(column.type, text)
        declare = f", declare its format under source: values: {' and '.join(fields)}" if fields else ""
        fitting = "a longer type" if column.type.kind in ("varchar", "char") else "text"
        return f"{declare}, or declare the column as {fitting} under columns: in the table file"


def _reader(column: Column, formats: ValueFormats) -> Value:
    """Return the function that parses the values of a column, and masks them."""
    if column.mask == "null":
        return lambda text: None
    if column.mask == "hash":
        read = formats.parser(Type("text"))
        return lambda text: None if (value := read(text)) is None else hashed(value)
    return formats.parser(column.type)


def _shown(value: str | None) -> str:
    """Return a value for an error: on one line, and truncated if it is long."""
    return repr(value if value is None or len(value) <= _VALUE_SHOWN else f"{value[:_VALUE_SHOWN]}…")


def _is_text(field: str) -> bool:
    try:
        field.encode()
    except UnicodeEncodeError:
        return False
    return True


def hashed(text: str) -> str:
    """Return the hash of a text for `mask: hash`: its SHA-256 in hex, as databases compute it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _writer(type: Type, format: CsvFormat) -> Callable[[str], str]:
    if type.kind == "bytes":
        return lambda digits: f'"{format.bytes_prefix}{digits or format.empty_bytes}"'
    if not type.quoted:
        return str
    return lambda text: '"' + text.replace('"', '""') + '"'
