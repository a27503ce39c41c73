"""Read Parquet files in batches, and convert their values to texts without losing a digit."""

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

_BATCH = 8192  # rows in memory as texts
_BUFFER = 2**20  # bytes of a column per read

#: Arrow's names of types without parameters, and the kind of each.
_KINDS = {
    **{"int8": "smallint", "int16": "smallint", "int32": "integer", "int64": "bigint"},
    **{"uint8": "smallint", "uint16": "integer", "uint32": "bigint"},
    **{"halffloat": "real", "float": "real", "double": "double", "bool": "boolean"},
    **{"string": "text", "large_string": "text", "string_view": "text", "null": "text"},
    **{"binary": "bytes", "large_binary": "bytes", "binary_view": "bytes"},
    **{"date32[day]": "date", "date64[ms]": "date"},
}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 6}  # fractional digits of a second: fractions of a microsecond are refused


def parquet_columns(stream: BinaryIO, *, what: str) -> list[Column]:
    """Return the columns of a file, with types that keep every value. `what` names the file in errors.

    Raises:
        FileRefused: the file is not Parquet, or has a column of a type that no warehouse has.
    """
    with _explained(what):
        return [Column(field.name, _type(field.type, field.name)) for field in _opened(stream).schema_arrow]


def read_parquet(
    stream: BinaryIO, columns: Sequence[Column], allowed: frozenset[str] | None, *, what: str
) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a file as pairs: the position ("row 7"), and the values as texts in the order of the columns.

    Memory holds one batch of rows, and the dictionaries of one row group.

    Args:
        stream: the file, which must be seekable.
        columns: the columns to yield.
        allowed: the columns that the file may have. None: any.
        what: the name of the file in errors.

    Raises:
        FileRefused: the file is not Parquet, or its columns do not fit the table.
    """
    with _explained(what):
        file = _opened(stream)
        _check(file.schema_arrow, columns, allowed)
        batches = file.iter_batches(_BATCH, columns=[column.name for column in columns], use_threads=False)
    number = 0
    while True:
        with _explained(f"{what}, after row {number}"):
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
    except (OSError, ValueError) as error:  # the classes of pyarrow's errors and of those raised here
        reason = " ".join(str(error).split())
        raise FileRefused(f"{what}: {reason}. Replace the file, or correct the table file") from None


def _check(schema: "pyarrow.Schema", columns: Sequence[Column], allowed: frozenset[str] | None) -> None:
    """Refuse a file that lacks a column, has an unknown one, or has one whose values would change."""
    names: list[str] = schema.names
    more = [name for name in names if names.count(name) > 1 or (allowed is not None and name not in allowed)]
    if more:
        raise ValueError(
            f"it has an unexpected column {more[0]!r}: add it under columns: in the table file, or set "
            "on_new_column: ignore"
        )
    for column in columns:
        if column.name not in names:
            near = did_you_mean(column.name, names)
            raise ValueError(f"it has no column {column.name!r}; it has {', '.join(names)}{near}")
        arrow = schema.field(column.name).type
        found = _type(arrow, column.name)
        if str(arrow) != "null" and not holds(column.type, found):
            raise ValueError(f"its column {column.name!r} is {found}, and {column.type} cannot hold all of its values")


def _type(type: "pyarrow.DataType", name: str) -> Type:
    """Return the type that keeps all values of an Arrow type."""
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
    raise ValueError(f"its column {name!r} has the Arrow type {type}, which no warehouse can hold")


def _texts(values: "pyarrow.Array") -> list[str | None]:
    """Return the values of a column as texts. None is NULL."""
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
        instants: Any = values.cast(pyarrow.timestamp(type.unit)).cast(pyarrow.string())  # the time in UTC
        values = pyarrow.compute.binary_join_element_wise(instants, "+00:00", "")
    texts: list[str | None] = values.cast(pyarrow.string()).to_pylist()
    return texts
