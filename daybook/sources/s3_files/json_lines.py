"""Read JSON lines, one object per line. Each value keeps its text, so that no number is rounded."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from daybook.errors import FileRefused
from daybook.model.types import Column
from daybook.sources.text.typed_csv import Row
from daybook.suggestions import did_you_mean

_MAX_LINE = 16 * 2**20  # bytes: Redshift accepts rows of up to 4 MB


class _Number(str):
    """The text of a number in JSON."""

    __slots__ = ()


def read_json_lines(
    stream: BinaryIO, columns: Sequence[Column], allowed: frozenset[str] | None, *, what: str
) -> Iterator[tuple[str, Row]]:
    """Yield the objects of a file as pairs: the line ("line 7"), and the values in the order of the columns.

    A missing key is NULL. Blank lines are skipped.

    Args:
        stream: the file, decompressed.
        columns: the columns to yield.
        allowed: the keys that an object may have. None: any.
        what: the name of the file in errors.

    Raises:
        FileRefused: a line is not one JSON object in UTF-8, repeats a key, has an unknown key, or has an object or a
            list in a column that is not json.
    """
    for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE), b""), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                found = _parsed(text, len(line), allowed)
                yield f"line {number}", [_value(found.get(column.name), column) for column in columns]
        except UnicodeError as error:
            raise FileRefused(f"{what}: line {number} is not UTF-8 ({error}). Write the file as UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise FileRefused(f"{what}: line {number} is not one JSON object of the table's columns: {error}") from None


def _parsed(text: str, size: int, allowed: frozenset[str] | None) -> dict[str, Any]:
    """Parse the object of a line. Raise ValueError with the reason if it is not an object of the table."""
    if size == _MAX_LINE:
        raise ValueError(f"it has more than {_MAX_LINE} bytes")
    found = _DECODER.decode(text)
    if not isinstance(found, dict):
        raise ValueError("it is not an object")
    if allowed is not None and not found.keys() <= allowed:
        unknown = next(name for name in found if name not in allowed)
        near = did_you_mean(unknown, allowed, "add it under columns:, or set on_new_column: ignore")
        raise ValueError(f"{unknown!r} is not a column{near}")
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # raises for a lone surrogate
    return found


def _value(value: Any, column: Column) -> str | None:
    """Return a value as text, to parse as its column's type."""
    if column.type.kind in ("json", "jsonb"):
        return None if value is None else _written(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    raise ValueError(f"{column.name} contains an object or a list, which only a column of type json can hold")


def _written(value: Any) -> str:
    """Return a value as JSON, with the original text of its numbers."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the key {twice!r} twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_refuse_constant, object_pairs_hook=_object
)
