"""What can go wrong, as a tree. Catch `DaybookError` for all of it.

DaybookError
├── TableFileError        a file under tables/ is wrong: names the file, the field and the remedy
├── IntervalError         a date or range that does not fit the table's grid, lies in the future or before `start`
├── SourceError           the source cannot be read as the table file says
├── StageError            a part is missing, damaged, or could not be written
├── WarehouseError        the warehouse cannot take the table as it is
│   ├── SchemaMismatch    the table in the warehouse lacks a column, or holds it in a type that would lose values
│   └── ValueRefused      a value that the warehouse cannot hold: names table, key, column, remedy
├── GuardError            a check before the commit failed; the transaction was rolled back
│   ├── RowCountMismatch  rows extracted, in the manifest and landed are not the same number
│   ├── DuplicateKey      two rows with one key, where the strategy does not choose between them
│   ├── NullKey           a row without its key
│   ├── OutsideInterval   a row whose cursor is not in the interval that is being loaded
│   ├── Superseded        a part of it was loaded meanwhile, from a newer snapshot
│   ├── ShrinkGuard       the load would leave far fewer rows than the ledger says were there
│   └── CheckFailed       a check of the table file does not hold in what would be committed
├── ExtractFailed         the source's database failed, again and again: carries the whole story
└── LoadFailed            the warehouse's database failed, again and again: carries the whole story
"""


class DaybookError(Exception):
    """The root: a failure that Daybook understands and can explain."""


class TableFileError(DaybookError):
    """A file under tables/ is wrong."""


class IntervalError(DaybookError):
    """A date or a range that names no interval of the table."""


class SourceError(DaybookError):
    """The source cannot be read as the table file says."""


class StageError(DaybookError):
    """A part on the stage is missing, damaged, or could not be written."""


class WarehouseError(DaybookError):
    """The warehouse cannot take the table as it is."""


class SchemaMismatch(WarehouseError):
    """The table in the warehouse does not fit what is to be loaded."""


class ValueRefused(WarehouseError):
    """A value that the warehouse cannot hold."""


class GuardError(DaybookError):
    """A check before the commit failed; nothing was changed."""


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


class CheckFailed(GuardError):
    """A check of the table file does not hold in what would be committed."""


class ExtractFailed(DaybookError):
    """The source's database failed, again and again: the message carries the whole story."""


class LoadFailed(DaybookError):
    """The warehouse's database failed, again and again: the message carries the whole story."""
