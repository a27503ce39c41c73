"""JSON lines: an object a line, each value as the text that stands there, so that no number is rounded."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from daybook.errors import FileRefused
from daybook.model.types import Column
from daybook.sources.text.typed_csv import Row
from daybook.suggestions import did_you_mean

_MAX_LINE = 16 * 2**20  # bytes: Redshift takes rows of up to 4 MB


class _Number(str):
    """A number, as it is written."""

    __slots__ = ()


def read_json_lines(
    stream: BinaryIO, columns: Sequence[Column], known: frozenset[str] | None, *, what: str
) -> Iterator[tuple[str, Row]]:
    """The objects of a file as pairs: where one is ("line 7"), and its values in the columns' order.

    `what` names the file in errors. `known` are the keys that an object may have (None: any). One that it lacks is
    NULL. Blank lines are passed over.

    Raises:
        FileRefused: a line is not one JSON object in UTF-8, names a key twice, has a key that is not known, or an
            object or a list where no column of json is.
    """
    for number, line in enumerate(iter(lambda: stream.readline(_MAX_LINE), b""), start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                found = _parsed(text, len(line), known)
                yield f"line {number}", [_value(found.get(column.name), column) for column in columns]
        except UnicodeError as error:
            raise FileRefused(f"{what}: line {number} is not UTF-8 ({error}). Write the file as UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise FileRefused(f"{what}: line {number} is not one JSON object of the table's columns: {error}") from None


def _parsed(text: str, size: int, known: frozenset[str] | None) -> dict[str, Any]:
    """The object that a line is. Raises ValueError, with the reason why it is none."""
    if size == _MAX_LINE:
        raise ValueError(f"it has more than {_MAX_LINE} bytes")
    found = _DECODER.decode(text)
    if not isinstance(found, dict):
        raise ValueError("it is none")
    if known is not None and not found.keys() <= known:
        unknown = next(name for name in found if name not in known)
        near = did_you_mean(unknown, known, "name it under columns:, or set on_new_column: ignore")
        raise ValueError(f"{unknown!r} is not a column{near}")
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # raises where half of a surrogate pair is no character
    return found


def _value(value: Any, column: Column) -> str | None:
    """A value as the text that its column is read from."""
    if column.type.kind in ("json", "jsonb"):
        return None if value is None else _written(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    raise ValueError(f"{column.name} holds an object or a list, which only a column of json takes")


def _written(value: Any) -> str:
    """A value as JSON, its numbers as they were written."""
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
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_refuse_constant, object_pairs_hook=_object
)
