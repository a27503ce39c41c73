"""The base class of every load strategy: what it needs, what it does to a table, and what that means for others."""

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
    """The columns of a source table from which `daybook describe` proposes a strategy; None where there is none."""

    key: tuple[str, ...]
    created: str | None
    """The time at which a row was created."""
    modified: str | None
    """The time of a row's latest change."""
    deleted: str | None
    """The flag of deleted rows."""


class Strategy(ABC):
    """One way to load a table. Subclass it in a module of its own; the module's name is the strategy's name."""

    #: What a load does, as one clause for the description of `load:` in the schema of table files.
    summary: ClassVar[str]
    #: The fields of a table file that the strategy cannot work without, each with the reason.
    needs: ClassVar[Mapping[str, str]] = {}
    #: Whether a load removes rows that the source no longer has. If not, the shrink guard has nothing to check.
    removes_rows: ClassVar[bool]
    #: Whether a row that changes at the source moves to a later interval, out of one that was loaded before.
    rows_move: ClassVar[bool] = False
    #: Whether the newest of several staged rows with one key is loaded. If not, such rows stop the load.
    keeps_newest_of_key: ClassVar[bool] = False
    #: Whether a load of some intervals takes along rows of earlier ones that the source sends because they changed.
    accepts_earlier_rows: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The name of the class's module: what `load:` says in a table file, and `strategy` in the ledger."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def has_intervals(self) -> bool:
        """Whether a table is loaded by intervals. If not, each load brings all of it."""
        return "interval" in self.needs

    def proposed_cursor(self, found: FoundColumns) -> str | None:
        """Return the cursor for a table with these columns, or None if the strategy does not fit it.

        `daybook describe` proposes the first strategy by name that fits.
        """
        return None

    @abstractmethod
    def apply(self, rows: StagedRows) -> None:
        """Change the table in the transaction that holds its lock.

        Raises:
            RowCountMismatch: another number of rows landed than was staged.
        """
