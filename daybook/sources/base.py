"""The protocols of sources.

Every module or package in this folder with a class `Config` is a kind of source. The fields of `Config` are the fields
of `source:` in a table file, and its field `kind` selects it: `source: {kind: csv, …}`. Its method `open` yields a
`Source`. To add a kind, add a module.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel
from sqlalchemy import Engine

from daybook.errors import SourceError
from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.model.types import Column, Type
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.manifest import FilesInPlace

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials
    from mypy_boto3_s3 import S3Client

    from daybook.model.table_spec import TableSpec


@dataclass(frozen=True, slots=True)
class Span:
    """The rows to read: those whose cursor is in `[start, end)`, two instants in UTC.

    Without both, it is the whole table, whatever the cursor of a row is. With a `start` alone, it is what a source
    `from_start` has from there on.
    """

    start: datetime | None = None
    end: datetime | None = None


#: The most rows without an interval that are counted before each load.
MOST_COUNTED = 100_000


def counted(rows: int) -> str:
    """Return the number of rows for a warning, of which at most MOST_COUNTED were counted."""
    return f"{rows:,} or more" if rows >= MOST_COUNTED else f"{rows:,}"


def filtered_out(what: str, rows: int) -> str:
    """Return the notice about `rows` rows that a filter left out of `what`: a table and the label of a load."""
    verb = "does not match where: and is" if rows == 1 else "do not match where: and are"
    return f"{what}: {counted(rows)} row{'s' * (rows != 1)} of the source {verb} left out"


def without_cursor(table: "TableSpec", rows: int) -> str:
    """Return the warning about `rows` rows without a cursor."""
    return (
        f"{table.name}: the source has rows in which the cursor {table.cursor} is NULL ({counted(rows)}). They belong "
        "to no interval, so only a full refresh loads them. Set the column in these rows of the source"
    )


def outside_calendar(table: "TableSpec", rows: int) -> str:
    """Return the warning about `rows` rows with a cursor before the year 2 or after 9998, which no interval reaches."""
    return (
        f"{table.name}: the source has rows in which the cursor {table.cursor} is before the year 2 or after 9998, "
        f"such as infinity ({counted(rows)}). They belong to no interval that can be loaded, so only a full refresh "
        "loads them. Set the column in these rows of the source"
    )


def cursor_of(table: "TableSpec", types: Mapping[str, Type]) -> Cursor:
    """Return the table's cursor in its source.

    Args:
        types: the columns of the source, and their types.

    Raises:
        SourceError: the table file has no cursor, or the source does not have this column.
    """
    if table.cursor is None or table.cursor not in types:
        raise SourceError(
            f"{table.name}: the source has no column {table.cursor!r}, which is the cursor; it has {', '.join(types)}"
        )
    return Cursor(table.cursor, types[table.cursor], table.timezone, table.name)


class ConnectionProvider(Protocol):
    """Connections by the name of a block. In a flow, blocks provide them; in a notebook, any object can."""

    def engine(self, name: str) -> Engine:
        """Return an engine for the database of the block `name`."""
        ...

    def s3(self, name: str) -> "S3Client":
        """Return an S3 client with the credentials of the block `name`."""
        ...

    def google(self, name: str) -> "Credentials":
        """Return the Google account of the block `name`, without scopes."""
        ...


class Source(Protocol):
    """A source that is open for one run. All of its methods read the same snapshot."""

    @property
    def snapshot_at(self) -> datetime:
        """Return the time of the snapshot, in UTC, by the source's clock. It contains all earlier commits."""
        ...

    def columns(self) -> list[Column]:
        """Return the columns in the source's order, with types that keep every value."""
        ...

    def warnings(self) -> list[str]:
        """Return problems for the source's owner to fix, such as a missing index on the cursor, with remedies."""
        ...

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Return the row count of each of these adjacent intervals, with queries that read only the cursor.

        Raises:
            SourceError: the table has no cursor, or one that is not a date or time.
        """
        ...

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Stream the rows of `span` as CSV, in constant memory.

        Args:
            columns: the source's columns to send, in this order. A binary column has the type that the warehouse loads
                it as. A column with a `mask` is masked as in `daybook.model.masks`, so that clear values never appear.
            span: the rows to send.
            format: the format of the values.
        """
        ...


@runtime_checkable
class Versioned(Protocol):
    """A source that can cheaply detect whether it has changed since the last load, such as a file with an ETag.

    If it has not, a load of the whole table reads no rows. It only adds an entry to the ledger, so the table counts as
    fresh.
    """

    @property
    def version(self) -> str:
        """Return the version that was read, in at most 900 characters. It is called after the rows are read."""
        ...

    def is_still(self, version: str) -> bool:
        """Return True if the source still has this version. It is called before any row is read."""
        ...


@runtime_checkable
class TypedByFiles(Protocol):
    """A source whose columns have the types of one file, so that other files may have other types.

    If the table file declares no columns, the types of the warehouse's table decide, and the source refuses values that
    do not fit them.
    """

    def types_of(self, names: Collection[str]) -> dict[str, Type]:
        """Return the types of these columns in the newest files with values in them. Columns without values lack."""
        ...


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of a source, collected while it sends its rows."""

    shortfalls: tuple[str, ...] = ()
    """The requested data that the source could not send, as text. The rest is loaded, and then the run fails."""
    since: datetime | None = None
    """The start of the oldest interval with changed rows that the source sent in addition to the requested ones. The
    load includes them if its strategy `accepts_earlier_rows`."""


#: The findings of most sources.
NOTHING = Findings()


@runtime_checkable
class Noticing(Protocol):
    """A source that has findings after its rows are read."""

    def findings(self) -> Findings:
        """Return the findings."""
        ...


@runtime_checkable
class Filtered(Protocol):
    """A source with a filter in the table file, such as `where:` of a database."""

    def left_out(self) -> int:
        """Return the number of rows that the filter leaves out of the whole source, of which it counts MOST_COUNTED."""
        ...


@runtime_checkable
class InPlace(Protocol):
    """A source of files that some warehouses can read directly, without staging."""

    def in_place(self, columns: Sequence[Column], span: Span) -> FilesInPlace | None:
        """Return the files of `span`, with exactly these columns, or None if each row must be checked.

        It is called before `rows`. If it returns files, `rows` is not called.
        """
        ...


class SourceKind(BaseModel):
    """The base class of every `Config`: the fields of `source:` in a table file, and how to open the source."""

    model_config = {"extra": "forbid", "frozen": True}

    #: True if sources of this kind apply `Column.mask`, so that a table file may mask their columns.
    masks: ClassVar[bool] = False
    #: True if sources of this kind are `daybook.sql.checksum.side.Auditable`, so that the ledger has their checksums.
    audited: ClassVar[bool] = False

    @property
    def filter(self) -> str | None:
        """Return the text that chooses the rows of the source, such as `where:`. None: all rows are loaded."""
        return None

    #: True if a full refresh begins at the table's `start`, because the source has no beginning of its own.
    from_start: ClassVar[bool] = False

    def open(self, table: "TableSpec", keys: ConnectionProvider) -> AbstractContextManager[Source]:
        """Open the source of `table` for one run."""
        raise NotImplementedError

    def check(self, table: "TableSpec") -> None:
        """Check that the source fits the other fields of the table file. Raise a ValueError if it does not."""

    def open_to_audit(self, table: "TableSpec", keys: ConnectionProvider) -> AbstractContextManager[Source]:
        """Open the source for an audit, which may read another server than loads do."""
        return self.open(table, keys)
