"""`kind: csv`: a CSV file at a URL, which is loaded whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

import httpx
from pydantic import Field, field_validator

from daybook.errors import SourceError
from daybook.model.interval import Interval
from daybook.model.types import Column
from daybook.sources.base import ConnectionProvider, Source, SourceKind, Span
from daybook.sources.csv_url.download import Download, fetch, shown
from daybook.sources.csv_url.headers import Version
from daybook.sources.text.compression import Compression, unpacked
from daybook.sources.text.csv_reader import CsvDialect, read_csv
from daybook.sources.text.typed_csv import TextRows, declared
from daybook.sources.text.value_formats import ISO, ValueFormats
from daybook.stage.csv_format import Chunk, CsvFormat

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec


class Config(SourceKind, CsvDialect):
    """What a table file says of a CSV at a URL."""

    masks: ClassVar[bool] = True

    kind: Literal["csv"]
    url: str = Field(description="https:// or http://, without a password.")
    compression: Compression | None = Field(None, description="Left out: what the file's first bytes say.")
    max_bytes: int = Field(2**30, gt=0, description="The most that is read of it, as it is sent and as it is unpacked.")
    allow_private: bool = Field(False, description="Whether it may lie within the network: on 10.0.0.1, localhost, …")
    values: ValueFormats = Field(ISO, description="How its values are spelled.")

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        try:
            read = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(f"it is no URL: {error}") from None
        if read.scheme not in ("http", "https") or not read.host:
            raise ValueError("expected https://… or http://…")
        if read.userinfo:
            raise ValueError("a password does not belong into a table file, and a csv source sends none: remove it")
        return url

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """The file as it is when it is asked for: nothing is fetched before that. Its copy is removed at the end.

        Raises:
            SourceError: the table file declares no columns, or asks for a part of the file.
        """
        if table.strategy.has_intervals or table.start is not None:
            raise SourceError(
                f"{table.name}: a CSV at a URL is loaded whole: say load: replace in the table file, without start:"
            )
        source = CsvAtUrl(self, table)
        try:
            yield source
        finally:
            source.close()


class CsvAtUrl:
    """A file, fetched once: by `is_still`, or when its rows are read."""

    def __init__(self, config: Config, table: "TableSpec") -> None:
        self._config, self._table, self._columns = config, table, declared(table, config.kind)
        self._what = f"{table.name}, {shown(config.url)}"
        self._snapshot_at = datetime.now(UTC)
        self._download: Download | None = None

    @property
    def snapshot_at(self) -> datetime:
        """When the file was asked for, by the clock of this machine: a cache's would tell when it had last asked."""
        return self._snapshot_at

    def columns(self) -> list[Column]:
        """The columns of the table file: a CSV has no types."""
        return self._columns

    def warnings(self) -> list[str]:
        """None: what there is to say is said when the file comes."""
        return []

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Raises SourceError: a file has no intervals."""
        raise SourceError(f"{self._table.name}: a CSV at a URL is loaded whole, and cannot be counted by interval")

    @property
    def version(self) -> str:
        """What the server calls this state of the file, and its SHA-256, for a server that has no name for it.

        "" before the file is read: Python 3.11 asks for it when it only wants to know whether there is one.
        """
        return str(self._download.version) if self._download and self._download.version else ""

    def is_still(self, version: str) -> bool:
        """Whether it is unchanged: the server says so to a conditional request, or it sends the same bytes."""
        self._download = self._fetch(Version.read(version))
        return self._download.unchanged

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """The rows, while the file is read from the disk."""
        self._download = download = self._download or self._fetch(None)
        config, what = self._config, self._what
        assert download.file
        stream = unpacked(download.file, what=what, compression=config.compression, max_bytes=config.max_bytes)
        rows = read_csv(
            stream,
            config,
            list(self._table.columns or ()),
            what=what,
            charset=download.charset,
            wanted=[column.name for column in columns],  # all but those that mask: drops
            ignore_more=self._table.on_new_column == "ignore",
        )
        yield from TextRows(self._table, columns, config.values, format).chunks(rows)

    def close(self) -> None:
        """Remove the copy."""
        if self._download and self._download.file:
            self._download.file.close()

    def _fetch(self, known: Version | None) -> Download:
        config = self._config
        self._snapshot_at = datetime.now(UTC)
        return fetch(
            config.url,
            what=self._what,
            max_bytes=config.max_bytes,
            allow_private=config.allow_private,
            known=known,
        )
