"""The files of a table for one run: stream their rows as CSV, and check that each row belongs to its interval."""

import itertools
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from daybook.errors import OutsideInterval, SourceError, Uncountable
from daybook.model.interval import Interval
from daybook.model.types import Column, Type
from daybook.sources.base import Span, cursor_of
from daybook.sources.s3_files.bucket import Bucket, Object
from daybook.sources.s3_files.in_place import files_in_place
from daybook.sources.s3_files.json_lines import read_json_lines
from daybook.sources.s3_files.listing import Listing, Place
from daybook.sources.s3_files.parquet import footer_of, parquet_columns, read_parquet
from daybook.sources.s3_files.path_template import Address
from daybook.sources.text.compression import unpacked
from daybook.sources.text.csv_reader import read_csv
from daybook.sources.text.typed_csv import Row, TextRows, declared
from daybook.sources.text.value_formats import ValueFormats
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.manifest import FilesInPlace

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec
    from daybook.sources.s3_files import Config

_FOOTERS = 100  # files that are searched for the type of a column


class Files:
    """The files of a table, in the state in which they are first listed."""

    def __init__(self, table: "TableSpec", config: "Config", address: Address, bucket: Bucket) -> None:
        self._table, self._config, self._bucket = table, config, bucket
        self.snapshot_at = bucket.now()
        self._listing = Listing(table, config, address, bucket, self.snapshot_at)
        self._listed: dict[Span, Sequence[Place]] = {}

    def columns(self) -> list[Column]:
        """Return the columns that the table file declares. Without them, those of the newest Parquet file."""
        if self._config.format != "parquet" or self._table.columns is not None:
            return declared(self._table, self._config.kind)
        file = next(self._listing.newest_first(), None)
        if file is None:
            raise SourceError(
                f"{self._table.name}: found no file at {self._config.path} to read the columns from: declare them "
                "under columns: in the table file"
            )
        return self._columns_of(file)

    def types_of(self, names: Collection[str]) -> dict[str, Type]:
        """Return the types of these columns in the newest files with values in them, of at most 100 files."""
        found = dict[str, Type]()
        for file in itertools.islice(self._listing.newest_first(), _FOOTERS):
            for column in self._columns_of(file):
                if column.name in names and not column.empty:
                    found.setdefault(column.name, column.type)
            if len(found) == len(names):
                break
        return found

    def _columns_of(self, file: Object) -> list[Column]:
        def tail(length: int) -> bytes:
            with self._bucket.open(file, max(0, file.size - length)) as stream:
                return stream.read()

        return parquet_columns(footer_of(tail), what=self._what(file))

    def warnings(self) -> list[str]:
        """Return no warnings. The listing logs them."""
        return []

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Raise Uncountable, since the rows of a file cannot be counted without reading them."""
        raise Uncountable(f"{self._table.name}: the rows of files cannot be counted without reading them")

    @property
    def version(self) -> str:
        """Return a version that changes when a file is added, deleted or rewritten."""
        return self._listing.version

    def is_still(self, version: str) -> bool:
        """Return True if all files are unchanged."""
        return version == self.version

    def in_place(self, columns: Sequence[Column], span: Span) -> FilesInPlace | None:
        """Return the files if all have the same form and COPY reads every value in the same way, otherwise None.

        Files of several intervals are streamed, to check that each row belongs to the interval of its file.
        """
        if not self._config.in_place or self._config.format == "parquet":
            return None
        places = self._places(span)
        if len(places) != 1 or not places[0].files:
            return None
        return files_in_place(self._table, self._config, self._bucket, places[0].files, [c.name for c in columns])

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Stream the rows of the files of `span`, in the order of the intervals and of the files' names.

        Raises:
            FileRefused: an interval has no file (`missing: fail`), or a file is damaged or does not fit the table file.
            ValueRefused: a value does not fit its column.
            OutsideInterval: a row is in the file of another interval.
        """
        places, value_formats = self._places(span), self._config.value_formats
        return TextRows(self._table, columns, value_formats, format).chunks(self._rows(places, columns, value_formats))

    def _places(self, span: Span) -> Sequence[Place]:
        """Return the places of `span`, listed only once."""
        if span not in self._listed:
            start, end = span.start, span.end
            self._listed[span] = self._listing.between(start, end) if start and end else self._listing.whole
        return self._listed[span]

    def _rows(
        self, places: Iterable[Place], columns: Sequence[Column], value_formats: ValueFormats
    ) -> Iterator[tuple[str, Row]]:
        for place in places:
            for file in place.files:
                uri = self._bucket.uri(file.key)
                with self._opened(file) as stream:
                    rows = self._read(stream, columns, self._what(file))
                    if place.interval:
                        rows = self._own(rows, columns, value_formats, place.interval, self._what(file))
                    for where, row in rows:
                        yield f"{uri}, {where}", row

    def _what(self, file: Object) -> str:
        return f"{self._table.name}, {self._bucket.uri(file.key)}"

    def _read(self, stream: BinaryIO, columns: Sequence[Column], what: str) -> Iterator[tuple[str, Row]]:
        wanted = [column.name for column in columns]
        names = list(self._table.columns or wanted)
        ignore = self._table.on_new_column == "ignore"
        if self._config.format == "csv":  # `wanted` lacks the columns that `mask` drops
            return read_csv(stream, self._config, names, what=what, wanted=wanted, ignore_more=ignore)
        dropped = (name for name, mask in self._table.mask.items() if mask == "drop")
        allowed = None if ignore else frozenset((*names, *dropped))
        if self._config.format == "parquet":
            return read_parquet(stream, columns, allowed, what=what)
        return read_json_lines(stream, columns, allowed, what=what)

    def _own(
        self,
        rows: Iterable[tuple[str, Row]],
        columns: Sequence[Column],
        value_formats: ValueFormats,
        interval: Interval,
        what: str,
    ) -> Iterator[tuple[str, Row]]:
        """Yield rows. Refuse a row of another interval: a later load of that interval would delete it."""
        cursor = cursor_of(self._table, {column.name: column.type for column in columns})
        at = [column.name for column in columns].index(cursor.column)
        start, end = str(cursor.bound(interval.start)), str(cursor.bound(interval.end))
        read, last = value_formats.parser(cursor.type), ""
        for where, row in rows:
            text = row[at]
            if text is None or text != last:
                try:
                    value = None if text is None else read(text)
                except ValueError:
                    value = start  # `TextRows` refuses it next, with a better message
                if value is None or not start <= value < end:  # ISO texts of one form sort by time
                    raise OutsideInterval(
                        f"{what}, {where}: its {cursor.column} is {value or 'NULL'}, but the file is for {start} until "
                        f"{end}. Nothing was changed. Correct the row, or move it to the file of its interval"
                    )
                last = text or ""
            yield where, row

    def _opened(self, file: Object) -> BinaryIO:
        stream = self._bucket.open(file)
        if self._config.format != "parquet":
            return unpacked(stream, what=self._what(file))
        with stream:  # copied to disk, since Parquet is read from its end, and column by column
            local: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
            shutil.copyfileobj(stream, local, 1 << 20)
        local.seek(0)
        return local
