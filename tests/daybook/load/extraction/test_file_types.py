"""Types of Parquet files: NULL in every row decides no type, and files of other days may have other types."""

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas
import pyarrow
import pytest

from daybook.definitions.table import Table
from daybook.errors import FileRefused, SchemaMismatch, SourceError, ValueRefused
from daybook.load.extraction.file_types import merged
from daybook.model.types import parse_type
from tests.support.s3_folder import Folder, parquet
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse


@pytest.fixture
def folder(warehouse_ends: Endpoints, s3: S3, s3_bucket: str) -> Folder:
    """Return an empty bucket."""
    folder = Folder(warehouse_ends, s3.client(), s3_bucket)
    warehouse_ends.keys = folder
    return folder


def days(folder: Folder, **fields: Any) -> Table:
    """Return a table with one folder per day that declares no columns."""
    return folder.days("parquet", **{"columns": None, **fields})


def put(folder: Folder, number: int, value: Any, name: str = "f") -> None:
    """Write a file of one row for a day of January: its number as the id, and `value`, an array, as the column c."""
    columns = {"id": pyarrow.array([number]), "day": [date(2024, 1, number)], "c": value}
    folder.put(f"x/dt=2024-01-{number:02}/{name}", parquet(columns))


def load(folder: Folder, table: Table, number: int) -> None:
    folder.ends.load(table, f"2024-01-{number:02}")


def null() -> pyarrow.Array:
    return pyarrow.nulls(1)


def shown(folder: Folder, table: Table, column: str = "c") -> list[tuple[Any, ...]]:
    """Return the id and a column of each row, as the warehouse writes them."""
    return list(folder.ends.rows(table, f"id, {column}"))


#: A value of each type, as an array of one.
VALUES: dict[str, tuple[pyarrow.Array, Any]] = {
    "integer": (pyarrow.array([7]), 7),
    "text": (pyarrow.array(["a"]), "a"),
    "date": (pyarrow.array([date(2024, 1, 1)]), date(2024, 1, 1)),
    "decimal": (pyarrow.array([Decimal("1.50")]), Decimal("1.50")),
    "boolean": (pyarrow.array([True]), True),
    "double": (pyarrow.array([0.5]), 0.5),
    "timestamp": (pyarrow.array([datetime(2024, 1, 1, 5)]), datetime(2024, 1, 1, 5)),
    "dictionary": (pyarrow.array(["a"]).dictionary_encode(), "a"),
}


@pytest.mark.each_value
@pytest.mark.parametrize("kind", VALUES)
def test_a_day_of_nothing_but_null_keeps_the_type_of_the_warehouse(folder: Folder, kind: str) -> None:
    array, value = VALUES[kind]
    table = days(folder)
    for number, column in {1: array, 2: null(), 3: array}.items():
        put(folder, number, column)
        load(folder, table, number)
    assert shown(folder, table) == [(1, value), (2, None), (3, value)]


@pytest.mark.each_value
@pytest.mark.parametrize("kind", VALUES)
def test_the_first_day_with_a_value_adds_the_column(
    folder: Folder, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    array, value = VALUES[kind]
    table = days(folder)
    for number, column in {1: null(), 2: null(), 3: array, 4: null()}.items():
        put(folder, number, column)
        load(folder, table, number)
        assert ("c" in folder.ends.destination.types(table.name)) == (number > 2)
    assert shown(folder, table) == [(1, None), (2, None), (3, value), (4, None)]
    assert "are left out: c. " in caplog.text and "columns: {id: bigint, day: date, c: TYPE}" in caplog.text


@pytest.mark.parametrize("policy", ["add", "ignore", "fail"])
def test_a_column_that_awaited_its_type_is_not_new(folder: Folder, policy: str) -> None:
    table = days(folder, on_new_column=policy)
    for number, column in {1: null(), 2: pyarrow.array([5])}.items():
        put(folder, number, column)
        load(folder, table, number)
    assert shown(folder, table) == [(1, None), (2, 5)]


def test_a_new_column_is_new_on_the_first_day_with_a_value(folder: Folder) -> None:
    table = days(folder)
    folder.put("x/dt=2024-01-01/f", parquet({"id": [1], "day": [date(2024, 1, 1)]}))
    load(folder, table, 1)
    put(folder, 2, null())
    load(folder, table, 2)
    assert list(folder.ends.destination.types(table.name)) == ["id", "day"]
    put(folder, 3, pyarrow.array([5]))
    with pytest.raises(SchemaMismatch, match=r"no column 'c': ALTER TABLE .* ADD COLUMN .*on_new_column: add"):
        load(folder, table, 3)
    load(folder, days(folder, on_new_column="ignore"), 3)
    assert list(folder.ends.destination.types(table.name)) == ["id", "day"]
    load(folder, days(folder, on_new_column="add"), 3)
    assert shown(folder, table) == [(1, None), (2, None), (3, 5)]


@pytest.mark.parametrize("order", ["null first", "null last"])
def test_files_of_one_day_of_which_some_have_no_value(folder: Folder, order: str) -> None:
    table = days(folder, key=[])
    arrays = [null(), pyarrow.array([5])][:: 1 if order == "null first" else -1]
    for name, array in zip("ab", arrays, strict=True):
        put(folder, 1, array, name)
    load(folder, table, 1)
    assert sorted(shown(folder, table), key=str) == [(1, 5), (1, None)]


def test_the_newest_day_of_a_full_refresh_has_no_value(folder: Folder) -> None:
    table = folder.table("x/dt={execution_date}/", "parquet", cursor="day", columns=None, source={"missing": "empty"})
    for number, column in {1: null(), 2: pyarrow.array([5]), 3: null()}.items():
        put(folder, number, column)
    folder.ends.load(table)
    assert shown(folder, table) == [(1, None), (2, 5), (3, None)]
    put(folder, 2, null())
    load(folder, table, 2)
    assert shown(folder, table) == [(1, None), (2, None), (3, None)]


def test_a_declared_column_of_nothing_but_null(folder: Folder) -> None:
    table = days(folder, columns={"id": "int", "day": "date", "c": "decimal(5,2)"})
    for number, column in {1: null(), 2: pyarrow.array([Decimal("1.50")])}.items():
        put(folder, number, column)
        load(folder, table, number)
    assert folder.ends.destination.types(table.name)["c"].startswith("numeric(5,2)")
    assert shown(folder, table) == [(1, None), (2, Decimal("1.50"))]


def test_a_column_that_is_declared_after_it_was_left_out(folder: Folder) -> None:
    put(folder, 1, null())
    load(folder, days(folder), 1)
    table = days(folder, columns={"id": "bigint", "day": "date", "c": "smallint"})
    load(folder, table, 1)
    assert shown(folder, table) == [(1, None)]


@pytest.mark.parametrize("name", ["id", "day"])
def test_a_key_or_a_cursor_without_a_type(folder: Folder, name: str) -> None:
    columns: dict[str, Any] = {"id": [1], "day": [date(2024, 1, 1)], "c": ["a"], name: null()}
    folder.put("x/dt=2024-01-01/f", parquet(columns))
    with pytest.raises(SourceError, match=rf"{name}: every value is NULL .* columns: {{.*{name}: TYPE.*c: text}}"):
        load(folder, days(folder), 1)


def test_a_hash_of_nothing_but_null(folder: Folder) -> None:
    table = days(folder, mask={"c": "hash"})
    for number, column in {1: null(), 2: pyarrow.array(["a"]), 3: pyarrow.array([None], pyarrow.float64())}.items():
        put(folder, number, column)
        load(folder, table, number)
    assert [value and len(value) for _, value in shown(folder, table)] == [None, 64, None]


def test_a_dropped_column_of_a_table_that_declares_no_columns(folder: Folder) -> None:
    table = days(folder, mask={"c": "drop"})
    put(folder, 1, pyarrow.array(["a"]))
    load(folder, table, 1)
    assert list(folder.ends.destination.types(table.name)) == ["id", "day"]


# --- pandas --------------------------------------------------------------------------------------------------------


def frame(folder: Folder, number: int, **columns: list[Any]) -> None:
    """Write a file as pandas does."""
    rows = len(next(iter(columns.values())))
    data = {"id": range(number * 10, number * 10 + rows), "day": [date(2024, 1, number)] * rows, **columns}
    out = io.BytesIO()
    pandas.DataFrame(data).to_parquet(out, index=False)
    folder.put(f"x/dt=2024-01-{number:02}/f", out.getvalue())


def test_pandas_writes_integers_with_null_as_doubles(folder: Folder) -> None:
    table = days(folder)
    frame(folder, 1, c=[1, 2**60])
    frame(folder, 2, c=[3, None])
    frame(folder, 3, c=[None, None])
    frame(folder, 4, c=[5, 6])
    for number in (1, 2, 3, 4):
        load(folder, table, number)
    assert folder.ends.destination.types(table.name)["c"] == "bigint"
    assert [value for _, value in shown(folder, table)] == [1, 2**60, 3, None, None, None, 5, 6]


@pytest.mark.parametrize("value", [1.5, 1.125, 2.0**53, float("inf")])
def test_a_double_that_is_no_exact_integer(folder: Folder, value: float) -> None:
    table = days(folder)
    frame(folder, 1, c=[1])
    load(folder, table, 1)
    frame(folder, 2, c=[3, value])
    with pytest.raises(
        ValueRefused, match=r"row 2, row id='21', column c: .* does not fit bigint: it is not an int"
    ) as caught:
        load(folder, table, 2)
    assert "values:" not in str(caught.value), "Parquet has no such field"


def test_the_first_integers_have_null(folder: Folder) -> None:
    table = days(folder)
    frame(folder, 1, c=[1, None])
    load(folder, table, 1)
    frame(folder, 2, c=[2**53, 2**60])
    load(folder, table, 2)
    assert [value for _, value in shown(folder, table)] == [1, None, 2**53, 2**60]
    frame(folder, 3, c=[2**53 + 1])
    with pytest.raises(FileRefused, match="9007199254740993, which a double would round: declare it as bigint"):
        load(folder, table, 3)


def test_pandas_writes_missing_texts_as_doubles(folder: Folder) -> None:
    table = days(folder)
    frame(folder, 1, c=["a"])
    frame(folder, 2, c=[float("nan")])
    frame(folder, 3, c=["b"])
    for number in (1, 2, 3):
        load(folder, table, number)
    assert [value for _, value in shown(folder, table)] == ["a", None, "b"]


def test_pandas_writes_an_empty_frame_with_null_types(folder: Folder) -> None:
    table = days(folder)
    frame(folder, 1, c=["a"])
    load(folder, table, 1)
    out = io.BytesIO()
    pandas.DataFrame({"id": [], "day": [], "c": []}, dtype=object).to_parquet(out, index=False)
    folder.put("x/dt=2024-01-02/f", out.getvalue())
    load(folder, table, 2)
    assert [value for _, value in shown(folder, table)] == ["a"]


# --- types that change from file to file ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "new", "result"),
    [
        ("bigint", "smallint", "bigint"),
        ("smallint", "bigint", "bigint"),
        ("bigint", "double", "bigint"),
        ("double", "bigint", "double"),
        ("double", "real", "double"),
        ("real", "double", "double"),
        ("real", "integer", "double"),
        ("decimal(5,2)", "decimal(7,2)", "decimal(7,2)"),
        ("decimal(7,2)", "decimal(3,1)", "decimal(7,2)"),
        ("decimal(7,2)", "decimal(5,4)", "decimal(9,4)"),
        ("bigint", "decimal(20,0)", "bigint"),
        ("integer", "decimal(4,2)", "decimal(12,2)"),
        ("decimal(10,2)", "bigint", "decimal(10,2)"),
        ("timestamp(6)", "timestamp(3)", "timestamp(6)"),
        ("timestamp(3)", "timestamp(6)", "timestamp(6)"),
        ("timestamp", "date", "timestamp"),
        ("date", "timestamp", "timestamp"),
        ("timestamp", "timestamptz", "timestamptz"),
        ("timestamptz", "timestamp", "timestamp"),
        ("text", "bigint", "bigint"),
        ("text", "double", "double"),
        ("double", "text", "text"),
        ("boolean", "bigint", "bigint"),
    ],
)
def test_merged_types(known: str, new: str, result: str) -> None:
    assert merged(parse_type(known), parse_type(new)) == parse_type(result)


def test_decimals_with_other_digits_every_day(folder: Folder) -> None:
    table = days(folder)
    for number, value in {1: "100.50", 2: "1.5", 3: "7", 4: "-0.25"}.items():
        put(folder, number, pyarrow.array([Decimal(value)]))
        load(folder, table, number)
    assert [str(value) for _, value in shown(folder, table)] == ["100.50", "1.50", "7.00", "-0.25"]
    put(folder, 5, pyarrow.array([Decimal("0.125")]))
    with pytest.raises(SchemaMismatch, match=r"was decimal\(5, 2\) and is decimal\(6, 3\), which is wider: ALTER"):
        load(folder, table, 5)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_with_another_unit(folder: Folder, unit: str) -> None:
    table, moment = days(folder), datetime(2024, 1, 1, 5, 6, 7)
    put(folder, 1, pyarrow.array([moment], pyarrow.timestamp("us")))
    load(folder, table, 1)
    put(folder, 2, pyarrow.array([moment], pyarrow.timestamp(unit)))
    load(folder, table, 2)
    assert shown(folder, table) == [(1, moment), (2, moment)]


def test_a_time_zone_that_comes_and_goes(folder: Folder) -> None:
    table, moment = days(folder), datetime(2024, 1, 1, 5)
    put(folder, 1, pyarrow.array([moment], pyarrow.timestamp("us")))
    load(folder, table, 1)
    put(folder, 2, pyarrow.array([moment], pyarrow.timestamp("us", "Europe/Berlin")))
    with pytest.raises(SchemaMismatch, match=r"was timestamp.* and is timestamptz"):
        load(folder, table, 2)


def test_every_type_in_one_file_and_in_one_of_nothing_but_null(folder: Folder) -> None:
    arrays: dict[str, pyarrow.Array] = {
        **{kind.replace(" ", "_"): array for kind, (array, _) in VALUES.items()},
        "uint64": pyarrow.array([2**64 - 1], pyarrow.uint64()),
        "float16": pyarrow.array([1.5], pyarrow.float16()),
        "binary_view": pyarrow.array([b"\0\xff"], pyarrow.binary_view()),
        "time": pyarrow.array([5], pyarrow.time64("us")),
        "instant": pyarrow.array([datetime(2024, 1, 1, 5)], pyarrow.timestamp("us", "Asia/Kolkata")),
        "nested": pyarrow.array([{"a": [None, 1]}]),
        "uuid": pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), pyarrow.array([bytes(16)], pyarrow.binary(16))),
    }
    table = days(folder)
    for number in (1, 2, 3):
        columns = arrays if number != 2 else {name: null() for name in arrays}
        data = parquet({"id": [number], "day": [date(2024, 1, number)], **columns})
        folder.put(f"x/dt=2024-01-0{number}/f", data)
        load(folder, table, number)
    first, second, third = folder.ends.rows(table)
    assert first[2:] == third[2:] and None not in first
    assert set(second[2:]) == {None}


def test_a_table_that_is_replaced(folder: Folder) -> None:
    table = folder.table("x/", "parquet", columns=None)
    for array in (null(), pyarrow.array([5]), null(), pyarrow.array([6.0])):
        folder.put("x/f", parquet({"id": [1], "c": array}))
        folder.ends.load(table)
    assert shown(folder, table) == [(1, 6)]
    assert folder.ends.destination.types(table.name)["c"] == "bigint"
