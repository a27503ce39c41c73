"""The errors that Daybook raises, as a tree. Catch `DaybookError` for all of them.

DaybookError
├── TableFileError        a file under tables/ is wrong: with the file, the field and the remedy
├── IntervalError         a date or range does not fit the table's grid, is in the future or before `start`
├── SourceError           the source cannot be read as the table file says
│   ├── Uncountable       the source cannot count its rows without sending them
│   ├── SourceIncomplete  the source could not send everything; what it sent is loaded
│   └── FileRefused       a file is cut off, damaged, or not what the table file says: with the place and the reason
├── StageError            a staged part is missing or damaged, or could not be written
│   └── StageLost         every retry failed: the storage could not be reached or did not answer
├── WarehouseError        the warehouse cannot load the table: with the reason and the remedy
│   ├── SchemaMismatch    the warehouse's table does not fit the source, or the source has changed: with the ALTER
│   └── ValueRefused      the warehouse cannot hold a value: with the table, the key, the column and the remedy
├── GuardError            a check before the commit failed, and the transaction was rolled back
│   ├── RowCountMismatch  the row counts of the source, the manifest and the staging table differ
│   ├── DuplicateKey      two rows have the same key, and the strategy does not choose between them
│   ├── NullKey           a row has no key
│   ├── OutsideInterval   the cursor of a row is outside of the interval that is loaded
│   ├── Superseded        another run has loaded a part of the intervals from a newer snapshot
│   ├── ShrinkGuard       the load would leave far fewer rows than the ledger has recorded
│   ├── EmptyBuild        the SELECT of a summary returned no row
│   └── CheckFailed       a check of the table file failed on what would be committed
├── ExtractFailed         the source's database failed: with the reason of each try
│   └── SourceLost        every retry failed: the database could not be reached or did not answer
├── BuildFailed           the SELECT of a summary failed: with the line of its file
├── LoadFailed            the warehouse's database failed: with the reason of each try
│   ├── TableLocked       every retry failed: other sessions hold locks on the table: with the command that ends them
│   └── WarehouseLost     every retry failed: the database could not be reached or did not answer
├── ExportFailed          rows of the warehouse could not be written to their destination
│   └── ExportLost        every retry failed: the destination could not be reached or did not answer
├── AuditRefused          the table cannot be compared with its source, or the range is too large for one audit
├── AuditFailed           the source's or the warehouse's database failed during an audit: with the reason of each try
│   └── AuditLost         every retry failed: the database could not be reached or did not answer
├── AuditDiffers          the warehouse differs from its source: with the intervals, the rows and the command to type
├── RepairRefused         a repair would reload too much of a table's history, or is not possible
├── DbtUnusable           dbt is not installed, or cannot read the project or reach the warehouse: with dbt's message
├── DbtFailed             models or tests of a dbt project failed: with their names, and what depends on them
├── BackfillRefused       the request for a backfill is wrong: with what to request instead
├── BackfillIncomplete    a backfill could not load some intervals: with the reason for each
├── SummariesFailed       some summaries could not be built: with the reason for each, and what depends on them
├── NotLoadedInTime       an interval was not loaded before the time limit of a wait
├── MonitorIncomplete     the monitor could not check everything: with the checks that failed, and why
└── ExtraMissing          an optional dependency is not installed: with the extra and the command that installs it
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class DaybookError(Exception):
    """The root of the tree: a failure that Daybook can explain."""

    may_be_one_interval: ClassVar[bool] = False  #: The rows of one interval may be the cause.
    may_pass: ClassVar[bool] = False  #: A retry some minutes later can succeed.
    #: The reason for each part that failed, by the name of the part, if the error is about several parts.
    parts: Mapping[str, str] = MappingProxyType({})


class TableFileError(DaybookError):
    """A file under tables/ is wrong."""


class IntervalError(DaybookError):
    """A date or a range does not name intervals of the table."""


class SourceError(DaybookError):
    """The source cannot be read as the table file says."""


class Uncountable(SourceError):
    """The source cannot count its rows without sending them."""


class SourceIncomplete(SourceError):
    """The source could not send a part of what was requested. The rest is loaded."""


class FileRefused(SourceError):
    """A file is cut off, damaged, or not what the table file says. Nothing of it is loaded."""

    may_be_one_interval = True


class StageError(DaybookError):
    """A part on the stage is missing or damaged, or could not be written."""


class StageLost(StageError):
    """The storage of the stage could not be reached or did not answer, in any of several tries."""

    may_pass = True


class WarehouseError(DaybookError):
    """The warehouse cannot load the table. The message has the reason and the remedy."""


class SchemaMismatch(WarehouseError):
    """The table in the warehouse does not fit the rows to load."""


class ValueRefused(WarehouseError):
    """The warehouse cannot hold a value."""

    may_be_one_interval = True


class GuardError(DaybookError):
    """A check before the commit failed. Nothing was changed."""

    may_be_one_interval = True


class RowCountMismatch(GuardError):
    """The row counts of the source, the stage and the staging table differ."""


class DuplicateKey(GuardError):
    """Two rows have the same key, and the strategy does not choose between them."""


class NullKey(GuardError):
    """A row has no key."""


class OutsideInterval(GuardError):
    """The cursor of a row is outside of the interval that is loaded."""


class Superseded(GuardError):
    """Another run has loaded a part of the intervals from a newer snapshot of the source."""


class ShrinkGuard(GuardError):
    """The load would leave far fewer rows than the ledger has recorded."""


class EmptyBuild(GuardError):
    """The SELECT of a summary returned no row, and its file does not allow that."""


class CheckFailed(GuardError):
    """A check of the table file failed on what would be committed."""


class ExtractFailed(DaybookError):
    """The source's database failed. The message has the reason of each try."""

    may_be_one_interval = True


class SourceLost(ExtractFailed):
    """The source's database could not be reached or did not answer, in any of several tries."""

    may_be_one_interval, may_pass = False, True


class BuildFailed(DaybookError):
    """The SELECT of a summary failed."""


class LoadFailed(DaybookError):
    """The warehouse's database failed. The message has the reason of each try."""

    may_be_one_interval = True


class TableLocked(LoadFailed):
    """Other sessions held locks on a table of the warehouse, in each of several tries. The message names them."""

    may_be_one_interval, may_pass = False, True


class WarehouseLost(LoadFailed):
    """The warehouse's database could not be reached or did not answer, in any of several tries."""

    may_be_one_interval, may_pass = False, True


class ExportFailed(DaybookError):
    """Rows of the warehouse could not be written to their destination."""


class ExportLost(ExportFailed):
    """The destination of an export could not be reached or did not answer, in any of several tries."""

    may_pass = True


class AuditRefused(DaybookError):
    """The table cannot be compared with its source in the requested way."""


class AuditFailed(DaybookError):
    """A database failed during an audit. The message has the reason of each try."""


class AuditLost(AuditFailed):
    """A database could not be reached or did not answer during an audit, in any of several tries."""

    may_pass = True


class AuditDiffers(DaybookError):
    """The warehouse differs from its source in some intervals."""


class RepairRefused(DaybookError):
    """A repair would reload too much of the table's history, or is not possible."""


class DbtUnusable(DaybookError):
    """dbt could not be run at all."""


class DbtFailed(DaybookError):
    """Models or tests of a dbt project failed. Models that do not depend on them are built."""


class BackfillRefused(DaybookError):
    """The request for a backfill is wrong."""


class BackfillIncomplete(DaybookError):
    """Some intervals of a backfill could not be loaded. The others are loaded."""


class SummariesFailed(DaybookError):
    """Some summaries could not be built. The message names them, the reasons, and the summaries that depend on them."""

    def __init__(self, message: str, parts: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.parts = dict(parts)


class NotLoadedInTime(DaybookError):
    """An interval was not loaded before the time limit of a wait."""

    may_pass = True


class MonitorIncomplete(DaybookError):
    """Some checks of the monitor could not run. The others ran."""


class ExtraMissing(DaybookError):
    """An optional dependency is not installed. The message names the extra and the command that installs it."""
