"""Read the rows of one file: CSV, delimited text or JSON."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence

from tests.support.redshift_emulator.copy_options import CopyOptions
from tests.support.redshift_emulator.copy_values import Column, LoadError
from tests.support.redshift_emulator.errors import RedshiftError

csv.field_size_limit(2**31 - 1)

Row = tuple[int, list[bytes | None]]  # the line number and the fields


def file_rows(data: bytes, copy: CopyOptions, columns: Sequence[Column]) -> Iterator[Row]:
    """Yield the rows of a file. Raises LoadError if the end of a row cannot be determined."""
    if copy.format == "JSON":
        yield from _json(data, copy, columns)
        return
    text = data.decode("latin-1")  # keeps every byte
    lines = _csv(text, copy) if copy.format == "CSV" else _delimited(text, copy)
    header = int(copy.given.get("IGNOREHEADER", 0))
    for number, (line, fields) in enumerate(lines, start=1):
        blank = not fields or fields == [""]
        if number > header and not (blank and "IGNOREBLANKLINES" in copy):
            yield line, [field.encode("latin-1") for field in (fields or [""])]


def _csv(text: str, copy: CopyOptions) -> Iterator[tuple[int, list[str]]]:
    quote = copy.given.get("QUOTE", '"')
    # Redshift ignores blanks between a delimiter and a quote, but keeps those of an unquoted field. The csv module
    # ignores both or none, so if the file has the former, the latter are lost, too.
    ignored = copy.delimiter != " " and re.search(f"(^|{re.escape(copy.delimiter)}) +{re.escape(quote)}", text, re.M)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=copy.delimiter,
        quotechar=quote,
        strict=True,
        skipinitialspace=bool(ignored),
    )
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        raise LoadError(1211, f"Invalid quote formatting for CSV: {error}") from None


def _delimited(text: str, copy: CopyOptions) -> Iterator[tuple[int, list[str]]]:
    delimiter, escape, remove_quotes = copy.delimiter, "ESCAPE" in copy, "REMOVEQUOTES" in copy
    row: list[str] = []
    value: list[str] = []  # the field's characters, escapes resolved
    raw: list[str] = []  # the unprocessed characters
    line, quote, i = 1, "", 0

    def field() -> str:
        is_null = escape and "".join(raw) in ("\\N", "\\\\N") and copy.null == b"\\N"
        return copy.null.decode("latin-1") if is_null else "".join(value)

    while i < len(text):
        character = text[i]
        if escape and character == "\\" and i + 1 < len(text):
            value.append(text[i + 1])
            raw.append(text[i : i + 2])
            i += 2
            continue
        if remove_quotes and not raw and character in "'\"":
            quote = character
            raw.append(character)
        elif quote and character == quote and (i + 1 == len(text) or text[i + 1] in (delimiter, "\n", "\r")):
            quote = ""
            raw.append(character)
        elif character == delimiter and not quote:
            row.append(field())
            value.clear()
            raw.clear()
        elif character == "\n" and not quote:
            if value and value[-1] == "\r":
                value.pop()
            yield line, [*row, field()]
            row, line = [], line + 1
            value.clear()
            raw.clear()
        else:
            value.append(character)
            raw.append(character)
        i += 1
    if quote:
        raise LoadError(1214, "Delimiter not found")
    if row or raw:
        yield line, [*row, field()]


def _json(data: bytes, copy: CopyOptions, columns: Sequence[Column]) -> Iterator[Row]:
    if copy.json_mode not in ("auto", "auto ignorecase"):
        raise RedshiftError("0A000", "JSONPaths are not implemented in the emulator")
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)  # numbers keep their digits
    text, position, number = data.decode("utf-8", "surrogateescape"), 0, 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            found, position = decoder.raw_decode(text, position)
        except ValueError as error:
            raise LoadError(1200, f"Invalid JSON: {error}") from None
        number += 1
        if copy.json_mode == "auto ignorecase":
            found = {name.lower(): value for name, value in found.items()}
        yield number, [_json_field(found.get(column.name), column) for column in columns]


def _json_field(value: object, column: Column) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, dict | list) or column.type == "super":
        text = json.dumps(value)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    else:
        text = str(value)
    return text.encode("utf-8", "surrogateescape")
