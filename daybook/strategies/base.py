"""The base class of the load strategies."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from daybook.strategies.staged_rows import StagedRows

#: Why a table that is loaded by intervals needs these fields in its file.
INTERVALS = {
    "cursor": "to know which rows belong to an interval",
    "interval": "to know how long one is",
}


@dataclass(frozen=True, slots=True)
class FoundColumns:
    """The columns of a source table that `daybook describe` uses to propose a strategy. None means no such column."""

    key: tuple[str, ...]
    """The columns of the key; empty if the table has no key."""
    created: str | None
    """The column with the time at which a row was created."""
    modified: str | None
    """The column with the time of a row's latest change."""
    deleted: str | None
    """The column that flags deleted rows."""


class Strategy(ABC):
    """One way to load a table. Write each subclass in its own module: the module's name is the strategy's name."""

    #: One clause about the effect of a load, for the description of `load:` in the schema of table files.
    summary: ClassVar[str]
    #: The fields of a table file that the strategy cannot work without, each with the reason.
    needs: ClassVar[Mapping[str, str]] = {}
    #: True if a load removes rows that the source no longer has. If False, the shrink guard has nothing to check.
    removes_rows: ClassVar[bool]
    #: True if a row that changes at the source moves from its loaded interval to a later one.
    rows_move: ClassVar[bool] = False
    #: True if a load deduplicates staged rows by key and keeps the newest. If False, duplicate keys stop the load.
    keeps_newest_of_key: ClassVar[bool] = False
    #: True if a load of some intervals accepts changed rows of earlier intervals that the source sends with them.
    accepts_earlier_rows: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The name of the class's module. Table files have it in `load:`, and the ledger in `strategy`."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def has_intervals(self) -> bool:
        """True if a table is loaded by intervals. If False, each load replaces the whole table."""
        return "interval" in self.needs

    def proposed_cursor(self, found: FoundColumns) -> str | None:
        """Return the cursor for a table with these columns, or None if the strategy does not fit it.

        `daybook describe` proposes the first strategy by name that fits.
        """
        return None

    @abstractmethod
    def apply(self, rows: StagedRows) -> None:
        """Move the staged rows into the table, in the transaction that holds its lock.

        Raises:
            RowCountMismatch: the number of inserted rows differs from the number of staged rows.
        """
