"""Read Parquet files: the columns from their footers, and the rows in batches."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, BinaryIO

from daybook.errors import FileRefused
from daybook.extras import extra
from daybook.model.types import Column, Type, exchanges_integers, holds
from daybook.sources.s3_files.parquet_types import texts_of, type_of, without_type
from daybook.sources.text.typed_csv import Row
from daybook.suggestions import did_you_mean

_BATCH = 8192  # rows in memory as texts
_BUFFER = 2**20  # bytes of a column per read
_FOOTER = 2**16  # bytes: the length of most footers
_END = 8  # bytes at the end of a file: the length of the footer, and PAR1


def footer_of(tail: Callable[[int], bytes]) -> BinaryIO:
    """Return the footer of a file, from which `parquet_columns` reads. `tail` returns that many bytes of the end."""
    read = tail(_FOOTER)
    length = int.from_bytes(read[-_END:-4], "little") + _END
    return BytesIO(tail(length) if length > len(read) == _FOOTER and read.endswith(b"PAR1") else read)


def parquet_columns(stream: BinaryIO, *, what: str) -> list[Column]:
    """Return the columns of a file, with types that keep every value. `what` names the file in errors.

    Raises:
        FileRefused: the file is not Parquet, or has a column of a type that no warehouse has.
    """
    with _explained(what):
        file = _opened(stream)
        empty, type_of_column = _empty(file), _types(file)
        return [Column(name, type_of_column(name), empty=name in empty) for name in file.schema_arrow.names]


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
        _check(file, columns, allowed)
        _check_int96(stream, _int96(file) & {column.name for column in columns})
        enums = _logical(file, "ENUM")
        batches = file.iter_batches(_BATCH, columns=[column.name for column in columns], use_threads=False)
    number = 0
    while True:
        with _explained(f"{what}, after row {number}"):
            batch = next(batches, None)
            if batch is None:
                return
            arrays = ((column, batch.column(column.name)) for column in columns)
            texts = [
                texts_of(values.cast("string") if column.name in enums else values, column) for column, values in arrays
            ]
        for row in zip(*texts, strict=True):
            number += 1
            yield f"row {number}", row


def _opened(stream: BinaryIO, unit: str = "us") -> Any:
    """Open a file. `unit` is that of INT96 timestamps: dates before 1677 and after 2262 overflow in nanoseconds."""
    with extra("parquet"):
        import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False, coerce_int96_timestamp_unit=unit)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    # the classes of pyarrow's errors, and of those raised here
    except (OSError, ValueError, NotImplementedError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise FileRefused(f"{what}: {reason}. Replace the file, or correct the table file") from None


def _types(file: Any) -> Callable[[str], Type]:
    """Return a function that returns the type of a column. It raises ValueError if no warehouse has the type."""
    schema = file.schema_arrow  # pyarrow converts the whole schema at each access
    enums, intervals = _logical(file, "ENUM"), _logical(file, "INTERVAL")

    def type_of_column(name: str) -> Type:
        arrow = schema.field(name).type
        if name in enums and str(arrow) == "binary":
            return Type("text")
        if name in intervals:  # Arrow has bytes in its place
            raise without_type("INTERVAL", name)
        return type_of(arrow, name)

    return type_of_column


def _logical(file: Any, type: str) -> set[str]:
    """Return the columns with a logical type of Parquet that Arrow does not distinguish, or with parts of this type."""
    schema = file.metadata.schema
    columns = (schema.column(place) for place in range(len(schema)))
    return {
        column.path.partition(".")[0] for column in columns if type in (column.logical_type.type, column.converted_type)
    }


def _int96(file: Any) -> set[str]:
    """Return the columns with timestamps in INT96, as Hive, Impala and older versions of Spark write them."""
    schema = file.metadata.schema
    columns = (schema.column(place) for place in range(len(schema)))
    return {column.path.partition(".")[0] for column in columns if column.physical_type == "INT96"}


def _check_int96(stream: BinaryIO, names: set[str]) -> None:
    """Refuse INT96 timestamps with nanoseconds, which microseconds would lose."""
    if not names:
        return
    import pyarrow
    import pyarrow.compute

    both = (_opened(stream, unit).iter_batches(_BATCH, columns=sorted(names)) for unit in ("us", "ns"))
    for micros, nanos in zip(*both, strict=True):
        for name in names & set(nanos.schema.names):
            if not pyarrow.types.is_timestamp(nanos.column(name).type):
                continue
            # Where nanoseconds overflow, the product does so in the same way.
            product = pyarrow.compute.multiply(micros.column(name).cast(pyarrow.int64()), 1000)
            rest = pyarrow.compute.subtract(nanos.column(name).cast(pyarrow.int64()), product)
            if pyarrow.compute.max(rest).as_py():
                raise ValueError(
                    f"its column {name!r} has timestamps with nanoseconds, and Daybook keeps microseconds: write the "
                    "column as a text"
                )


def _empty(file: Any) -> frozenset[str]:
    """Return the columns without a value, by the file's statistics. The type of such a column decides nothing.

    It may be Arrow's null type, or the double that pandas makes of a column of NaN.
    """
    metadata = file.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    names = {field.name for field in file.schema_arrow if str(field.type) == "null"}
    for place in range(metadata.num_columns):
        column = metadata.schema.column(place)
        flat = column.path == column.name and column.max_repetition_level == 0  # not a part of a list or a struct
        if flat and all(_is_null(group.column(place), group.num_rows) for group in groups):
            names.add(column.name)
    return frozenset(names)


def _is_null(chunk: Any, rows: int) -> bool:
    found = chunk.statistics
    return found is not None and found.has_null_count and found.null_count == rows


def _check(file: Any, columns: Sequence[Column], allowed: frozenset[str] | None) -> None:
    """Refuse a file that lacks a column, has an unknown one, or has one whose values would change.

    Columns without a value fit every table.
    """
    type_of_column, empty = _types(file), _empty(file)
    names: list[str] = file.schema_arrow.names
    times = Counter(names)
    more = [
        name for name in names if times[name] > 1 or (allowed is not None and name not in allowed and name not in empty)
    ]
    if more:
        raise ValueError(
            f"it has an unexpected column {more[0]!r}: add it under columns: in the table file, or set "
            "on_new_column: ignore"
        )
    for column in columns:
        if column.name not in names:
            near = did_you_mean(column.name, names)
            raise ValueError(
                f"it has no column {column.name!r}; it has {', '.join(names)}{near}. If the column is NULL in this "
                "file, write it with NULL in every row"
            )
        if column.name in empty:
            continue
        found = type_of_column(column.name)
        if not holds(column.type, found) and not exchanges_integers(column.type, found):
            raise ValueError(
                f"its column {column.name!r} is {found}, and {column.type} cannot hold all of its values: declare "
                f"it as {found} under columns: in the table file"
            )
