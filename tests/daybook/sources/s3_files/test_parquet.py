"""Every type of Arrow and Parquet: its type in a table, and its values as texts."""

import io
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pytest

from daybook.errors import FileRefused
from daybook.model.types import NO_TYPE, Column, Type, parse_type
from daybook.sources.s3_files.parquet import footer_of, parquet_columns, read_parquet
from tests.support.s3_folder import parquet

MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678000)
UUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
#: For each Arrow type that Parquet holds: an array of one value, the type of its column, and its text for the stage.
TYPES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "int8": (lambda: pyarrow.array([-128], pyarrow.int8()), "smallint", "-128"),
    "uint8": (lambda: pyarrow.array([255], pyarrow.uint8()), "smallint", "255"),
    "uint16": (lambda: pyarrow.array([65535], pyarrow.uint16()), "integer", "65535"),
    "uint32": (lambda: pyarrow.array([2**32 - 1], pyarrow.uint32()), "bigint", "4294967295"),
    "uint64": (lambda: pyarrow.array([2**64 - 1], pyarrow.uint64()), "decimal(20,0)", "18446744073709551615"),
    "int64": (lambda: pyarrow.array([-(2**63)], pyarrow.int64()), "bigint", "-9223372036854775808"),
    "float16": (lambda: pyarrow.array([1.5], pyarrow.float16()), "real", "1.5"),
    "float32": (lambda: pyarrow.array([0.1], pyarrow.float32()), "real", "0.1"),
    "float64": (lambda: pyarrow.array([0.1]), "double", "0.1"),
    "decimal32": (lambda: pyarrow.array([Decimal("-1.25")], pyarrow.decimal32(5, 2)), "decimal(5,2)", "-1.25"),
    "decimal64": (lambda: pyarrow.array([Decimal("-1.25")], pyarrow.decimal64(12, 2)), "decimal(12,2)", "-1.25"),
    "decimal128": (lambda: pyarrow.array([Decimal("-1.25")], pyarrow.decimal128(38, 2)), "decimal(38,2)", "-1.25"),
    "decimal256": (lambda: pyarrow.array([Decimal("-1.25")], pyarrow.decimal256(40, 2)), "decimal(40,2)", "-1.25"),
    "large_string": (lambda: pyarrow.array(["ä"], pyarrow.large_string()), "text", "ä"),
    "string_view": (lambda: pyarrow.array(["ä"], pyarrow.string_view()), "text", "ä"),
    "binary": (lambda: pyarrow.array([b"\0\xff"]), "bytes", "00ff"),
    "large_binary": (lambda: pyarrow.array([b"\0\xff"], pyarrow.large_binary()), "bytes", "00ff"),
    "binary_view": (lambda: pyarrow.array([b"\0\xff"], pyarrow.binary_view()), "bytes", "00ff"),
    "fixed_size_binary": (lambda: pyarrow.array([b"\0\xff"], pyarrow.binary(2)), "bytes", "00ff"),
    "date32": (lambda: pyarrow.array([date(1, 1, 1)]), "date", "0001-01-01"),
    "date64": (lambda: pyarrow.array([date(9999, 12, 31)], pyarrow.date64()), "date", "9999-12-31"),
    "time32": (lambda: pyarrow.array([time(23, 59, 59, 999000)], pyarrow.time32("ms")), "time(3)", "23:59:59.999"),
    "time64": (lambda: pyarrow.array([time(23, 59, 59, 999999)], pyarrow.time64("us")), "time(6)", "23:59:59.999999"),
    "time64[ns]": (
        lambda: pyarrow.array([time(23, 59, 59, 999999)], pyarrow.time64("ns")),
        "time(6)",
        "23:59:59.999999000",
    ),
    "timestamp[s]": (
        lambda: pyarrow.array([MOMENT.replace(microsecond=0)], pyarrow.timestamp("s")),
        "timestamp(3)",
        f"{str(MOMENT)[:19]}.000",
    ),
    "timestamp[ms]": (lambda: pyarrow.array([MOMENT], pyarrow.timestamp("ms")), "timestamp(3)", str(MOMENT)[:23]),
    "timestamp[ns]": (lambda: pyarrow.array([MOMENT], pyarrow.timestamp("ns")), "timestamp(6)", f"{MOMENT}000"),
    "timestamp[us, zone]": (
        lambda: pyarrow.array([MOMENT], pyarrow.timestamp("us", "Asia/Kolkata")),
        "timestamptz(6)",
        f"{MOMENT}+00:00",
    ),
    "dictionary of integers": (lambda: pyarrow.array([5]).dictionary_encode(), "bigint", "5"),
    "uuid": (
        lambda: pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), pyarrow.array([UUID.bytes], pyarrow.binary(16))),
        "uuid",
        str(UUID),
    ),
    "json": (lambda: pyarrow.array(['{"a": 1.10}'], pyarrow.json_()), "json", '{"a": 1.10}'),
    "bool8": (lambda: pyarrow.ExtensionArray.from_storage(pyarrow.bool8(), pyarrow.array([1], "int8")), "boolean", "1"),
    "list": (lambda: pyarrow.array([[1, None]]), "json", "[1, null]"),
    "list of nulls": (lambda: pyarrow.array([[None]], pyarrow.list_(pyarrow.null())), "json", "[null]"),
    "large_list": (lambda: pyarrow.array([[1]], pyarrow.large_list(pyarrow.int64())), "json", "[1]"),
    "fixed_size_list": (lambda: pyarrow.array([[1, 2]], pyarrow.list_(pyarrow.int64(), 2)), "json", "[1, 2]"),
    "struct": (lambda: pyarrow.array([{"a": None, "b": Decimal("1.50")}]), "json", '{"a": null, "b": "1.50"}'),
    "struct of bytes": (lambda: pyarrow.array([{"a": b"\0\xff"}]), "json", '{"a": "00ff"}'),
    "struct of times": (lambda: pyarrow.array([{"a": MOMENT}]), "json", '{"a": "2024-01-02 03:04:05.678000"}'),
    "map": (lambda: pyarrow.array([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())), "json", '[["a", 1]]'),
}


def read(data: bytes, type: Type | None = None) -> list[str | None]:
    """Return the texts of the column c, as its own type or as `type`."""
    columns = parquet_columns(io.BytesIO(data), what="f")
    if type is not None:
        columns = [Column("c", type)]
    return [row[0] for _, row in read_parquet(io.BytesIO(data), columns, None, what="f")]


@pytest.mark.parametrize("name", TYPES)
def test_every_type(name: str) -> None:
    made, kind, text = TYPES[name]
    array = made()
    data = parquet({"c": pyarrow.concat_arrays([array, pyarrow.nulls(1, array.type)])})
    (column,) = parquet_columns(io.BytesIO(data), what="f")
    assert column == Column("c", parse_type(kind))
    assert read(data) == [text, None]
    assert read(data, Type("text")) == [text, None]


def test_a_column_of_nothing_but_null() -> None:
    arrays = {"c": pyarrow.nulls(2), "d": pyarrow.nulls(2, pyarrow.float64()), "e": pyarrow.array([None, 0.0])}
    data = parquet(arrays, row_group_size=1)
    assert parquet_columns(io.BytesIO(data), what="f") == [
        Column("c", NO_TYPE, empty=True),
        Column("d", Type("double"), empty=True),
        Column("e", Type("double")),
    ]
    for kind in ("date", "boolean", "bigint", "text"):
        columns = [Column("c", Type(kind)), Column("d", Type(kind))]
        rows = read_parquet(io.BytesIO(data), columns, frozenset("cde"), what="f")
        assert [row for _, row in rows] == [(None, None)] * 2


def test_a_column_that_a_file_lacks() -> None:
    data = parquet({"cc": [1]})
    with pytest.raises(
        FileRefused, match=r"no column 'c'; it has cc; did you mean 'cc'.*write it with NULL in every row"
    ):
        list(read_parquet(io.BytesIO(data), [Column("c", Type("bigint"))], None, what="f"))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "duration": (lambda: pyarrow.array([timedelta(hours=25)]), r"'c' has the type duration\[us\].* as a number"),
    "a duration in a struct": (lambda: pyarrow.array([{"a": timedelta(hours=25)}]), r"'c' has the type duration"),
    "a time with nanoseconds in a list": (
        lambda: pyarrow.array([[1]]).cast(pyarrow.list_(pyarrow.time64("ns"))),
        r"'c' has the type time64\[ns\]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_types_that_no_warehouse_has(name: str) -> None:
    made, error = REFUSED[name]
    with pytest.raises(FileRefused, match=error):
        read(parquet({"c": made()}))


DAY = 24 * 60 * 60 * 1000
#: Numbers that are no time of a day, or no moment that Arrow can write.
OUT_OF_RANGE: dict[str, Callable[[], Any]] = {
    "a negative time": lambda: pyarrow.array([-5], pyarrow.int32()).cast(pyarrow.time32("ms")),
    "24:00": lambda: pyarrow.array([DAY], pyarrow.int32()).cast(pyarrow.time32("ms")),
    "microseconds": lambda: pyarrow.array([None, DAY * 1000], pyarrow.int64()).cast(pyarrow.time64("us")),
    "a far moment": lambda: pyarrow.array([9 * 10**18], pyarrow.int64()).cast(pyarrow.timestamp("us")),
    "a far instant": lambda: pyarrow.array([9 * 10**18], pyarrow.int64()).cast(pyarrow.timestamp("us", "UTC")),
    "in a list": lambda: pyarrow.array([[0, -5]], pyarrow.list_(pyarrow.int32())).cast(
        pyarrow.list_(pyarrow.time32("ms"))
    ),
    "in a struct of a list": lambda: pyarrow.StructArray.from_arrays(
        [pyarrow.array([[DAY + 1]], pyarrow.list_(pyarrow.int32())).cast(pyarrow.list_(pyarrow.time32("ms")))], ["a"]
    ),
    "in a map": lambda: pyarrow.array([[("a", DAY + 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int32())).cast(
        pyarrow.map_(pyarrow.string(), pyarrow.time32("ms"))
    ),
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
@pytest.mark.parametrize("declared", [None, "text"])
def test_a_time_out_of_range_is_refused(name: str, declared: str | None) -> None:
    """Arrow writes `<value out of range: -5>`, and Python 23:59:59.995."""
    data = parquet({"c": OUT_OF_RANGE[name]()})
    with pytest.raises(
        FileRefused, match=r"its column 'c' has a value that is not a (time|timestamp).*Correct the file"
    ):
        read(data, Type(declared) if declared else None)


def test_an_enum_is_a_text() -> None:
    data = parquet({"c": pyarrow.array(["on", None])}, store_schema=False)
    text, enum = b"\x18\x01c\x25\x00\x4c\x1c\x00\x00", b"\x18\x01c\x25\x08\x4c\x4c\x00\x00"
    assert data.count(text) == 1, "the name, the converted type and the logical type of the column"
    data = data.replace(text, enum)
    assert parquet_columns(io.BytesIO(data), what="f") == [Column("c", Type("text"))]
    assert read(data) == ["on", None]


def test_an_interval_is_not_bytes(tmp_path: Path) -> None:
    file = tmp_path / "f"
    duckdb.sql(f"COPY (SELECT INTERVAL 25 HOUR AS c) TO '{file}' (FORMAT parquet)")
    with pytest.raises(FileRefused, match="'c' has the type INTERVAL"):
        read(file.read_bytes())


@pytest.mark.parametrize("year", [1, 1600, 2024, 9999])
def test_int96_keeps_every_date(year: int) -> None:
    moment = datetime(year, 12, 31, 3, 4, 5, 678901)
    data = parquet({"c": pyarrow.array([moment], pyarrow.timestamp("us"))}, use_deprecated_int96_timestamps=True)
    assert read(data) == [str(moment)]


def test_int96_with_nanoseconds() -> None:
    array = pyarrow.array([1_700_000_000_000_000_001], pyarrow.timestamp("ns"))
    data = parquet({"c": array}, use_deprecated_int96_timestamps=True)
    with pytest.raises(FileRefused, match="nanoseconds"):
        read(data)


def test_the_footer_is_enough_for_the_columns() -> None:
    for width in (1, 3000):
        data = parquet({f"column number {place}": pyarrow.array([place]) for place in range(width)})
        read = list[int]()

        def tail(length: int, data: bytes = data, read: list[int] = read) -> bytes:
            read.append(length)
            return data[-length:]

        footer = footer_of(tail)
        assert parquet_columns(footer, what="f") == parquet_columns(io.BytesIO(data), what="f")
        assert len(read) == (1 if width == 1 else 2) and (width == 1 or read[1] < len(data))
