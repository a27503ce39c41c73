"""Where rows come from: one protocol, and one module a kind.

A module of this package that has a class `Config` is a kind of source: its `kind` is what a table file says in
`source: {kind: …}`, its other fields are what the table file may give, and its `open` yields a `Source`. Nothing else
is edited to add one.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    """Which rows are wanted: those whose cursor lies in `[start, end)`, both instants in UTC.

    Without an `end` the rows whose cursor is NULL belong to it too: it is the whole table, from `start` on.
    """

    start: datetime | None = None
    end: datetime | None = None


def without_cursor(table: "TableSpec") -> str:
    """The warning of a source that has rows which no interval will ever take."""
    return (
        f"{table.name}: the source has rows without {table.cursor}, the cursor: they belong to no interval, and only a "
        "full refresh loads them. Give them a value at the source"
    )


def cursor_of(table: "TableSpec", types: Mapping[str, Type]) -> Cursor:
    """The table's cursor as the source has it, whose columns are of these `types`.

    Raises:
        SourceError: the table file names no cursor, or one that the source does not have.
    """
    if table.cursor is None or table.cursor not in types:
        raise SourceError(
            f"{table.name}: the source has no column {table.cursor!r}, the cursor; it has {', '.join(types)}"
        )
    return Cursor(table.cursor, types[table.cursor], table.timezone)


class ConnectionProvider(Protocol):
    """Who opens things by the name of their credentials: the blocks, in a flow; anything like them, in a notebook."""

    def engine(self, name: str) -> Engine:
        """The database that the block `name` is about."""
        ...

    def s3(self, name: str) -> "S3Client":
        """A client of S3 with the credentials of the block `name`."""
        ...

    def google(self, name: str) -> "Credentials":
        """The Google account of the block `name`, without scopes."""
        ...


class Source(Protocol):
    """A source that has been opened for one run: everything that it answers is of one moment."""

    @property
    def snapshot_at(self) -> datetime:
        """That moment, in UTC, by the source's own clock: what was committed before it is seen."""
        ...

    def columns(self) -> list[Column]:
        """The columns, in the source's order, with types that lose nothing."""
        ...

    def warnings(self) -> list[str]:
        """What the source's owner should know, with what to do about it: no index on the cursor, for one."""
        ...

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """How many rows lie in each of these neighbouring intervals, by queries that read the cursor alone.

        Raises:
            SourceError: the table has no cursor, or one that says no time.
        """
        ...

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """The rows of `span` as CSV with these columns in this order, streamed: memory does not grow with them.

        The columns are the source's own, but one of bytes has the type that the warehouse is to take it as, and one
        with a `mask` is to be sent as `daybook.model.masks` says: its clear values appear nowhere.
        """
        ...


@runtime_checkable
class Versioned(Protocol):
    """A source that can tell cheaply whether it is still what was loaded last: a file with an ETag, for one.

    A whole load of one that is unchanged reads no row: it only leaves a row in the ledger, so that the table is fresh.
    """

    @property
    def version(self) -> str:
        """What it was when it was read, in at most 900 characters. Asked for when the rows have been read."""
        ...

    def is_still(self, version: str) -> bool:
        """Whether it is what had this version. Asked before a row is read."""
        ...


@dataclass(frozen=True, slots=True)
class Findings:
    """What a source noticed while its rows were read."""

    shortfalls: tuple[str, ...] = ()
    """Parts of what was wanted that it could not give, each in words. What it gave is loaded; then the run fails."""
    since: datetime | None = None
    """The start of the oldest interval of which it sent changed rows, in addition to those that were wanted. The load
    takes them along if its strategy `accepts_earlier_rows`."""


#: What most sources notice.
NOTHING = Findings()


@runtime_checkable
class Noticing(Protocol):
    """A source that has something to say when its rows have been read."""

    def findings(self) -> Findings:
        """What it noticed."""
        ...


@runtime_checkable
class InPlace(Protocol):
    """A source of files that some warehouses can read by themselves, so that their rows need not pass through here."""

    def in_place(self, columns: Sequence[Column], span: Span) -> FilesInPlace | None:
        """The files of `span`, whose rows have just these columns; None where the rows have to be looked at one by one.

        Asked before `rows`, which is not called then.
        """
        ...


class SourceKind(BaseModel):
    """What every `Config` of a kind of source is: fields of the table file, and how to open them."""

    model_config = {"extra": "forbid", "frozen": True}

    #: Whether its sources obey `Column.mask`, so that a table file may mask columns of them.
    masks: ClassVar[bool] = False
    #: Whether its sources are `daybook.sql.checksum.side.Auditable`: then the ledger keeps a checksum of each load.
    audited: ClassVar[bool] = False

    def open(self, table: "TableSpec", keys: ConnectionProvider) -> AbstractContextManager[Source]:
        """Open the source of `table` for one run."""
        raise NotImplementedError

    def open_to_audit(self, table: "TableSpec", keys: ConnectionProvider) -> AbstractContextManager[Source]:
        """Open it to be compared with the warehouse, perhaps elsewhere than where loads read it."""
        return self.open(table, keys)
