"""`kind: csv`: a CSV file at a URL. Each load replaces the whole table."""

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
    """A CSV at a URL: `source:` of a table file."""

    masks: ClassVar[bool] = True

    kind: Literal["csv"]
    url: str = Field(description="The address of the file: https:// or http://, without a password.")
    compression: Compression | None = Field(
        None, description="The compression of the file. Default: that of its first bytes."
    )
    max_bytes: int = Field(
        2**30, gt=0, description="The maximum size of the file in bytes, both as it is sent and decompressed."
    )
    allow_private: bool = Field(
        False, description="If true, the server may be in a private network, such as 10.0.0.1 or localhost."
    )
    values: ValueFormats = Field(ISO, description="The formats of the values.")

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        try:
            read = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(f"not a URL: {error}") from None
        if read.scheme not in ("http", "https") or not read.host:
            raise ValueError("expected https://… or http://…")
        if read.userinfo:
            raise ValueError("a table file must not contain a password, and a csv source sends none: remove it")
        return url

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Yield the source. It downloads the file when it is first needed, and deletes the copy at the end.

        Raises:
            SourceError: the table file declares no columns, or does not load the whole file.
        """
        if table.strategy.has_intervals or table.start is not None:
            raise SourceError(
                f"{table.name}: a load of a CSV at a URL replaces the whole table: use load: replace in the table "
                "file, and remove start:"
            )
        source = CsvAtUrl(self, table)
        try:
            yield source
        finally:
            source.close()


class CsvAtUrl:
    """A file that is downloaded once, by `is_still` or `rows`."""

    def __init__(self, config: Config, table: "TableSpec") -> None:
        self._config, self._table, self._columns = config, table, declared(table, config.kind)
        self._what = f"{table.name}, {shown(config.url)}"
        self._snapshot_at = datetime.now(UTC)
        self._download: Download | None = None

    @property
    def snapshot_at(self) -> datetime:
        """Return the time of the request, by this machine's clock. A cache's clock would give the time of its copy."""
        return self._snapshot_at

    def columns(self) -> list[Column]:
        """Return the columns of the table file, since a CSV has no types."""
        return self._columns

    def warnings(self) -> list[str]:
        """Return no warnings. The download logs them."""
        return []

    def counts(self, intervals: Sequence[Interval]) -> dict[Interval, int]:
        """Raise SourceError, since a file has no intervals."""
        raise SourceError(
            f"{self._table.name}: a CSV at a URL has no intervals, so its rows cannot be counted by interval"
        )

    @property
    def version(self) -> str:
        """Return the server's version of the file, and its SHA-256 for a server without versions.

        It is "" before the file is read: in Python 3.11, `isinstance` with a protocol evaluates properties.
        """
        return str(self._download.version) if self._download and self._download.version else ""

    def is_still(self, version: str) -> bool:
        """Return True if the server confirms the version in a conditional request, or sends the same bytes."""
        self._download = self._fetch(Version.read(version))
        return self._download.unchanged

    def rows(self, columns: Sequence[Column], span: Span, format: CsvFormat) -> Iterator[Chunk]:
        """Stream the rows from the copy on disk."""
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
            wanted=[column.name for column in columns],  # all except those that `mask` drops
            ignore_more=self._table.on_new_column == "ignore",
        )
        yield from TextRows(self._table, columns, config.values, format).chunks(rows)

    def close(self) -> None:
        """Delete the copy."""
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
