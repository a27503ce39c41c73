"""Parquet files: batches of rows, whose values become texts without losing a digit."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from daybook.errors import FileRefused
from daybook.extras import extra
from daybook.model.types import Column, Type, holds
from daybook.sources.text.typed_csv import Row
from daybook.suggestions import did_you_mean

if TYPE_CHECKING:
    import pyarrow

_BATCH = 8192  # rows that are in memory as texts
_BUFFER = 2**20  # bytes of a column that are read at a time

#: Arrow's names of types that need no more than a name, and ours.
_KINDS = {
    **{"int8": "smallint", "int16": "smallint", "int32": "integer", "int64": "bigint"},
    **{"uint8": "smallint", "uint16": "integer", "uint32": "bigint"},
    **{"halffloat": "real", "float": "real", "double": "double", "bool": "boolean"},
    **{"string": "text", "large_string": "text", "string_view": "text", "null": "text"},
    **{"binary": "bytes", "large_binary": "bytes", "binary_view": "bytes"},
    **{"date32[day]": "date", "date64[ms]": "date"},
}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 6}  # of a second: what is finer than a microsecond is refused


def parquet_columns(stream: BinaryIO, *, what: str) -> list[Column]:
    """The columns of a file, which `what` names in errors, with types that lose nothing.

    Raises:
        FileRefused: it is no Parquet, or has a column of a type that no warehouse has.
    """
    with _explained(what):
        return [Column(field.name, _type(field.type, field.name)) for field in _opened(stream).schema_arrow]


def read_parquet(
    stream: BinaryIO, columns: Sequence[Column], known: frozenset[str] | None, *, what: str
) -> Iterator[tuple[str, Row]]:
    """The rows of a file as pairs: where one is ("row 7"), and its values as texts in the columns' order.

    `stream` can seek, `what` names it in errors. `known` are the columns that the file may have (None: any). No more
    is in memory than some thousand rows and the dictionaries of one group of rows.

    Raises:
        FileRefused: it is no Parquet, or its columns are not those of the table.
    """
    with _explained(what):
        file = _opened(stream)
        _check(file.schema_arrow, columns, known)
        batches = file.iter_batches(_BATCH, columns=[column.name for column in columns], use_threads=False)
    number = 0
    while True:
        with _explained(f"{what}, behind row {number}"):
            batch = next(batches, None)
            if batch is None:
                return
            texts = [_texts(batch.column(column.name)) for column in columns]
        for row in zip(*texts, strict=True):
            number += 1
            yield f"row {number}", row


def _opened(stream: BinaryIO) -> Any:
    with extra("parquet"):
        import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # pyarrow's errors are of these, and ours
        reason = " ".join(str(error).split())
        raise FileRefused(f"{what}: {reason}. Have the file written again, or correct the table file") from None


def _check(schema: "pyarrow.Schema", columns: Sequence[Column], known: frozenset[str] | None) -> None:
    """Refuse a file without one of the columns, with one that is not known, or one whose values would be changed."""
    names: list[str] = schema.names
    more = [name for name in names if names.count(name) > 1 or (known is not None and name not in known)]
    if more:
        raise ValueError(
            f"it has a column {more[0]!r} more: name it under columns: in the table file, or say on_new_column: ignore"
        )
    for column in columns:
        if column.name not in names:
            near = did_you_mean(column.name, names)
            raise ValueError(f"it has no column {column.name!r}; it has {', '.join(names)}{near}")
        arrow = schema.field(column.name).type
        found = _type(arrow, column.name)
        if str(arrow) != "null" and not holds(column.type, found):
            raise ValueError(f"its column {column.name!r} is {found}, which would not arrive whole in {column.type}")


def _type(type: "pyarrow.DataType", name: str) -> Type:
    """The type that keeps all values of an Arrow type."""
    with extra("parquet"):
        import pyarrow.types as types

    if types.is_dictionary(type):
        return _type(type.value_type, name)
    if str(type) in _KINDS:
        return Type(_KINDS[str(type)])
    if types.is_uint64(type):
        return Type("decimal", 20, 0)
    if types.is_decimal(type):
        return Type("decimal", type.precision - min(type.scale, 0), max(type.scale, 0))
    if types.is_timestamp(type):
        return Type("timestamptz" if type.tz else "timestamp", _DIGITS[type.unit])
    if types.is_time(type):
        return Type("time", _DIGITS[type.unit])
    if types.is_fixed_size_binary(type):
        return Type("bytes")
    if types.is_nested(type):
        return Type("json")
    raise ValueError(f"its column {name!r} is of Arrow's type {type}, for which there is no type in a warehouse")


def _texts(values: "pyarrow.Array") -> list[str | None]:
    """The values of a column as texts; None is NULL."""
    with extra("parquet"):
        import pyarrow
        import pyarrow.compute
        import pyarrow.types as types

    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    type = values.type
    if types.is_nested(type):
        return [
            None if value is None else json.dumps(value, default=str, allow_nan=False) for value in values.to_pylist()
        ]
    if str(type) in ("binary", "large_binary", "binary_view") or types.is_fixed_size_binary(type):
        return [None if value is None else value.hex() for value in values.to_pylist()]
    if types.is_timestamp(type) and type.tz:
        instants: Any = values.cast(pyarrow.timestamp(type.unit)).cast(pyarrow.string())  # the UTC clock
        values = pyarrow.compute.binary_join_element_wise(instants, "+00:00", "")
    texts: list[str | None] = values.cast(pyarrow.string()).to_pylist()
    return texts
