"""What can go wrong, as a tree. Catch `DaybookError` for all of it.

DaybookError
├── TableFileError        a file under tables/ is wrong: names the file, the field and the remedy
├── IntervalError         a date or range that does not fit the table's grid, lies in the future or before `start`
├── SourceError           the source cannot be read as the table file says
│   ├── Uncountable       its rows cannot be counted without loading them
│   ├── SourceIncomplete  it could not give all that was wanted; what it gave is loaded
│   └── FileRefused       a file that is cut off, damaged, or not what the table file says: names where and why
├── StageError            a part is missing, damaged, or could not be written
├── WarehouseError        the warehouse cannot take the table as it is
│   ├── SchemaMismatch    the warehouse's table does not fit the source, or the source has changed: with the ALTER
│   └── ValueRefused      a value that the warehouse cannot hold: names table, key, column, remedy
├── GuardError            a check before the commit failed; the transaction was rolled back
│   ├── RowCountMismatch  rows extracted, in the manifest and landed are not the same number
│   ├── DuplicateKey      two rows with one key, where the strategy does not choose between them
│   ├── NullKey           a row without its key
│   ├── OutsideInterval   a row whose cursor is not in the interval that is being loaded
│   ├── Superseded        a part of it was loaded meanwhile, from a newer snapshot
│   ├── ShrinkGuard       the load would leave far fewer rows than the ledger says were there
│   ├── EmptyBuild        a summary's SELECT gave no row
│   └── CheckFailed       a check of the table file does not hold in what would be committed
├── ExtractFailed         the source's database failed: carries the whole story
│   └── SourceLost        it could not be reached or answered, again and again
├── BuildFailed           a summary's SELECT could not be run: with the line of its file
├── LoadFailed            the warehouse's database failed: carries the whole story
│   └── WarehouseLost     it could not be reached or answered, again and again
├── ExportFailed          rows of the warehouse could not be written to where they were to go
│   └── ExportLost        it could not be reached or did not answer, again and again
├── AuditRefused          a table that cannot be compared with its source, or not so much of it at once
├── AuditFailed           the source's or the warehouse's database failed during an audit: carries the whole story
│   └── AuditLost         it could not be reached or answered, again and again
├── AuditDiffers          the warehouse is not what the source has: names the intervals, the rows, what to type
├── RepairRefused         a repair that would load too much of a table's history again, or cannot be done
├── DbtUnusable           dbt is not installed, or cannot read the project or reach the warehouse: in its words
├── DbtFailed             models or tests of a dbt project failed: names them, and what they held back
├── BackfillRefused       a backfill that makes no sense, with what to ask for instead
├── BackfillIncomplete    some intervals of a backfill could not be loaded: names them, with their reasons
├── SummariesFailed       some summaries could not be built: names them, with their reasons, and what they hold back
├── NotLoadedInTime       an interval that was waited for did not come
├── MonitorIncomplete     the monitor could not look at all that may be wrong: names what, and why
└── ExtraMissing          an optional dependency is not installed: names the extra and the command that installs it
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class DaybookError(Exception):
    """The root: a failure that Daybook understands and can explain."""

    #: Whether the rows of one interval may be to blame, so that the others could be loaded without them.
    may_be_one_interval: ClassVar[bool] = False
    #: Whether the same run may well succeed some minutes later.
    may_pass: ClassVar[bool] = False
    #: The reason of each part that failed by itself, by its name, where the error is about several.
    parts: Mapping[str, str] = MappingProxyType({})


class TableFileError(DaybookError):
    """A file under tables/ is wrong."""


class IntervalError(DaybookError):
    """A date or a range that names no interval of the table."""


class SourceError(DaybookError):
    """The source cannot be read as the table file says."""


class Uncountable(SourceError):
    """The source cannot say how many rows it has without giving them."""


class SourceIncomplete(SourceError):
    """The source could not give a part of what was wanted; the rest is loaded."""


class FileRefused(SourceError):
    """A file that is cut off, damaged, or not what the table file says it is; nothing of it is loaded."""

    may_be_one_interval = True


class StageError(DaybookError):
    """A part on the stage is missing, damaged, or could not be written."""


class WarehouseError(DaybookError):
    """The warehouse cannot take the table as it is."""


class SchemaMismatch(WarehouseError):
    """The table in the warehouse does not fit what is to be loaded."""


class ValueRefused(WarehouseError):
    """A value that the warehouse cannot hold."""

    may_be_one_interval = True


class GuardError(DaybookError):
    """A check before the commit failed; nothing was changed."""

    may_be_one_interval = True


class RowCountMismatch(GuardError):
    """Rows extracted, staged and landed are not the same number."""


class DuplicateKey(GuardError):
    """Two rows with one key, where the strategy does not choose between them."""


class NullKey(GuardError):
    """A row without its key."""


class OutsideInterval(GuardError):
    """A row whose cursor is not in the interval that is being loaded."""


class Superseded(GuardError):
    """A part of what would be replaced was loaded meanwhile, from a newer snapshot of the source."""


class ShrinkGuard(GuardError):
    """The load would leave far fewer rows than the ledger says were there."""


class EmptyBuild(GuardError):
    """A summary's SELECT gave no row, and its file does not say that this may be."""


class CheckFailed(GuardError):
    """A check of the table file does not hold in what would be committed."""


class ExtractFailed(DaybookError):
    """The source's database failed: the message carries the whole story."""

    may_be_one_interval = True


class SourceLost(ExtractFailed):
    """The source's database could not be reached or did not answer, again and again."""

    may_be_one_interval, may_pass = False, True


class BuildFailed(DaybookError):
    """A summary's SELECT could not be run."""


class LoadFailed(DaybookError):
    """The warehouse's database failed: the message carries the whole story."""

    may_be_one_interval = True


class WarehouseLost(LoadFailed):
    """The warehouse's database could not be reached or did not answer, again and again."""

    may_be_one_interval, may_pass = False, True


class ExportFailed(DaybookError):
    """Rows of the warehouse could not be written to where they were to go."""


class ExportLost(ExportFailed):
    """Where they were to go could not be reached or did not answer, again and again."""

    may_pass = True


class AuditRefused(DaybookError):
    """A table that cannot be compared with its source as was asked."""


class AuditFailed(DaybookError):
    """A database failed during an audit: the message carries the whole story."""


class AuditLost(AuditFailed):
    """A database could not be reached or did not answer during an audit, again and again."""

    may_pass = True


class AuditDiffers(DaybookError):
    """The warehouse does not have what the source has of some intervals."""


class RepairRefused(DaybookError):
    """What an audit found is not repaired: it is too much of the table's history, or nothing could do it."""


class DbtUnusable(DaybookError):
    """dbt could not be run at all."""


class DbtFailed(DaybookError):
    """Models or tests of a dbt project failed; what does not depend on them is built."""


class BackfillRefused(DaybookError):
    """What was asked of a backfill makes no sense."""


class BackfillIncomplete(DaybookError):
    """Some intervals of a backfill could not be loaded; the others are."""


class SummariesFailed(DaybookError):
    """Some summaries could not be built: names them, with their reasons, and the summaries that wait for them."""

    def __init__(self, message: str, parts: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.parts = dict(parts)


class NotLoadedInTime(DaybookError):
    """An interval that was waited for was not loaded in time."""

    may_pass = True


class MonitorIncomplete(DaybookError):
    """A part of what the monitor looks at could not be looked at; the rest was."""


class ExtraMissing(DaybookError):
    """An optional dependency is not installed: names the extra and the command that installs it."""


def kind_of(name: str) -> type[DaybookError] | None:
    """The error of this name, as another process's failure tells it; None for one that is not Daybook's."""
    kinds = [DaybookError]
    for kind in kinds:
        if kind.__name__ == name:
            return kind
        kinds += kind.__subclasses__()
    return None
