"""Arrow's types: the type that keeps all of their values, and the values as texts without losing a digit."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from daybook.extras import extra
from daybook.model.types import INTEGERS, NO_TYPE, Column, Type

if TYPE_CHECKING:
    import pyarrow

#: Arrow's names of types without parameters, and the kind of each.
_KINDS = {
    **{"int8": "smallint", "int16": "smallint", "int32": "integer", "int64": "bigint"},
    **{"uint8": "smallint", "uint16": "integer", "uint32": "bigint"},
    **{"halffloat": "real", "float": "real", "double": "double", "bool": "boolean"},
    **{"string": "text", "large_string": "text", "string_view": "text"},
    **{"binary": "bytes", "large_binary": "bytes", "binary_view": "bytes"},
    **{"date32[day]": "date", "date64[ms]": "date"},
}
_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 6}  # fractional digits of a second: fractions of a microsecond are refused
#: Extension types whose values are more than those of their storage.
_EXTENSIONS = {"arrow.uuid": "uuid", "arrow.json": "json", "arrow.bool8": "boolean"}
#: The beginning of the text that Arrow gives to a date or time that its calendar does not have.
_OUT_OF_RANGE = "<value out of range"
_EXACT = 2**53  # a double holds every integer that is closer to zero


def type_of(type: "pyarrow.DataType", name: str) -> Type:
    """Return the type that keeps all values of an Arrow type. `NO_TYPE` is Arrow's type of nothing but NULL.

    Raises:
        ValueError: no warehouse has such a type. The message names the column `name`.
    """
    with extra("parquet"):
        import pyarrow
        import pyarrow.types as types

    if types.is_dictionary(type):
        return type_of(type.value_type, name)
    if types.is_null(type):
        return NO_TYPE
    if isinstance(type, pyarrow.BaseExtensionType) and "variant" not in type.extension_name:
        kind = _EXTENSIONS.get(type.extension_name)
        return Type(kind) if kind else type_of(type.storage_type, name)
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
        for number in range(type.num_fields):
            part = type.field(number).type
            if part == pyarrow.time64("ns"):  # Python's times have microseconds
                raise without_type(part, name)
            type_of(part, name)  # raises for a part that has no form in JSON
        return Type("json")
    raise without_type(type, name)


def without_type(type: object, name: str) -> ValueError:
    """Return the error about a column whose type no warehouse has."""
    return ValueError(
        f"its column {name!r} has the type {type}, which no warehouse can hold: write it as a number or a text. To "
        "load the other columns, list them under columns: in the table file, with on_new_column: ignore"
    )


def texts_of(values: "pyarrow.Array", column: Column) -> list[str | None]:
    """Return the values of `column` as texts. None is NULL.

    Raises:
        ValueError: a value has no text, or the column would round it.
    """
    with extra("parquet"):
        import pyarrow
        import pyarrow.compute
        import pyarrow.types as types

    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if isinstance(values.type, pyarrow.BaseExtensionType):
        is_uuid = values.type.extension_name == "arrow.uuid"
        values = values.storage
        if is_uuid:
            return [None if value is None else str(uuid.UUID(bytes=value)) for value in values.to_pylist()]
    type = values.type
    if types.is_nested(type):
        _check_times(values, column.name)
        return [
            None if value is None else json.dumps(value, default=_in_json, allow_nan=False)
            for value in values.to_pylist()
        ]
    if str(type) in ("binary", "large_binary", "binary_view") or types.is_fixed_size_binary(type):
        return [None if value is None else value.hex() for value in values.to_pylist()]
    if types.is_floating(type) and column.type.kind in INTEGERS:
        return [None if value is None else _integer(value) for value in values.to_pylist()]
    if types.is_integer(type) and column.type.kind == "double":
        return [None if value is None else _exact(value, column.name) for value in values.to_pylist()]
    if types.is_timestamp(type) and type.tz:
        instants: Any = values.cast(pyarrow.timestamp(type.unit)).cast(pyarrow.string())  # the time in UTC
        values = pyarrow.compute.binary_join_element_wise(instants, "+00:00", "")
    texts: list[str | None] = values.cast(pyarrow.string()).to_pylist()
    wrong = next((text for text in texts if text and text.startswith(_OUT_OF_RANGE)), None)
    if wrong and types.is_temporal(type):
        raise ValueError(f"its column {column.name!r} has a value that is not a {type}: {wrong}. Correct the file")
    return texts


def _check_times(values: "pyarrow.Array", name: str) -> None:
    """Check that the times within lists and structs are times of a day: Python's are modulo 24 hours.

    Raises:
        ValueError: one is not.
    """
    import pyarrow.compute
    import pyarrow.types as types

    type = values.type
    if isinstance(type, pyarrow.BaseExtensionType) or types.is_dictionary(type):
        return
    if types.is_map(type):
        _check_times(values.keys, name)
        _check_times(values.items, name)
    elif types.is_struct(type):
        for part in values.flatten():
            _check_times(part, name)
    elif types.is_nested(type):
        _check_times(values.flatten(), name)
    elif types.is_time(type):
        numbers = values.cast(pyarrow.int32() if types.is_time32(type) else pyarrow.int64())
        ends = pyarrow.compute.min_max(numbers).as_py()
        for number in filter(None, ends.values()):
            if not 0 <= number < 24 * 60 * 60 * 10 ** _DIGITS[type.unit]:
                raise ValueError(f"its column {name!r} has a value that is not a {type}: {number}. Correct the file")


def _integer(value: float) -> str:
    """Return the text of an integer in a double, such as pandas writes integers with NULLs. Others are refused later.

    Of two integers beyond 2**53, a double may have been either. So their text is not that of an integer, either.
    """
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)


def _exact(value: int, name: str) -> str:
    """Return the text of an integer that a double holds exactly. Raise ValueError for another."""
    if int(float(value)) != value:
        raise ValueError(f"its column {name!r} has the value {value}, which a double would round: declare it as bigint")
    return str(value)


def _in_json(value: Any) -> str:
    """Return the text of a value inside a list or a struct that JSON has no form for. Bytes are hex digits."""
    return value.hex() if isinstance(value, bytes) else str(value)
