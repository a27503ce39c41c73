"""Open the sources of a diff. A database that cannot be reached is tried once, not once for each of its tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from daybook.definitions.table import Table
from daybook.diff.diff_report import DatasetDiff, Report
from daybook.errors import DaybookError, SourceError
from daybook.redaction import without_secrets
from daybook.sources.base import ConnectionProvider, Source
from daybook.sources.database import Config as DatabaseConfig
from daybook.sources.database import readers
from daybook.sources.database.catalogs import open_catalog
from daybook.sql.connection import connect
from daybook.sql.database_error import DatabaseError, first_line

#: The estimated rows of the tables of a database, by schema and name. None: the catalog has no estimate.
Estimates = Mapping[tuple[str, ...], int | None]


class _ReadOnce:
    """The connections of a provider, which reads each block once, not once for each table."""

    def __init__(self, keys: ConnectionProvider) -> None:
        self.engine, self.s3, self.google = cache(keys.engine), cache(keys.s3), cache(keys.google)


@dataclass
class Sources:
    """Opens sources, and writes why one cannot be opened into `report`."""

    keys: ConnectionProvider
    report: Report
    _unreachable: dict[str, str | None] = field(default_factory=dict)
    _estimates: dict[str, Estimates] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read each block once."""
        self.keys = _ReadOnce(self.keys)

    @contextmanager
    def opened(self, table: Table, diff: DatasetDiff) -> Iterator[Source | None]:
        """Yield the source of a table, or None if it cannot be opened. `diff` gets errors of the file."""
        if isinstance(table.source, DatabaseConfig) and (why := self._why_unreachable(table.source.block)):
            self.report.fails(f"source {table.source.block}", why, table.name)
            yield None
            return
        opening = table.source.open(table, self.keys)
        try:
            source = opening.__enter__()
        except SourceError as error:
            diff.refused.append(str(error))
            yield None
            return
        except Exception as error:  # each kind of source has errors of its own libraries
            self.report.fails(f"source {table.source.kind}", reason(error), table.name)
            yield None
            return
        try:
            yield source
        finally:
            opening.__exit__(None, None, None)

    def rows_of(self, table: Table) -> int | None:
        """Return the estimated rows of a table in a database. None: unknown, or the file filters them."""
        source = table.source
        if not isinstance(source, DatabaseConfig) or source.is_filtered:
            return None
        if source.block not in self._estimates:
            self._estimates[source.block] = self._read_estimates(source.block)
        estimates = self._estimates[source.block]
        if source.table in estimates:
            return estimates[source.table]
        found = [rows for name, rows in estimates.items() if name[-1:] == source.table]
        return found[0] if len(found) == 1 else None

    def _read_estimates(self, block: str) -> Estimates:
        try:
            with open_catalog(self.keys, block) as catalog:
                return {(one.schema, one.name): one.rows for one in catalog.tables()}
        except (DaybookError, DatabaseError):  # the report has no estimate then
            return {}

    def _why_unreachable(self, block: str) -> str | None:
        if block not in self._unreachable:
            self._unreachable[block] = None
            try:
                engine = self.keys.engine(block)
                if reader := readers().get(engine.dialect.name):
                    with connect(engine, reader.read_error):
                        pass
            except Exception as error:  # such as a driver that is not installed
                self._unreachable[block] = reason(error)
        return self._unreachable[block]


def reason(error: BaseException) -> str:
    """Return why something failed, without secrets and values: people who may read the report may not read the data."""
    if isinstance(error, DaybookError):
        text = str(error)
    else:
        text = first_line(error)
        text = text if isinstance(error, DatabaseError) else f"{type(error).__name__}: {text}"
    return without_secrets(text)
