"""The optional abilities and the peculiarities of a warehouse. Each has a default that fits most warehouses."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from daybook.model.target import Target
from daybook.model.types import Type
from daybook.sql.checksum.row_fingerprint import RowFingerprint
from daybook.strategies.staged_rows import Ranges
from daybook.warehouses.session import Session


class Abilities(Protocol):
    """The part of a warehouse that most warehouses leave as it is."""

    #: Columns of every table that the catalog does not list, and functions that are called without parentheses.
    system_columns: ClassVar[frozenset[str]] = frozenset()
    #: Functions, in lower case, whose result changes between calls: clocks, random numbers, sequences.
    volatile_functions: ClassVar[frozenset[str]] = frozenset()
    #: The name of a column of a SELECT without a name of its own; None if each such column gets a different name.
    unnamed_column: ClassVar[str | None] = None
    #: True if rows can be copied directly into a new table, so that the first load needs no staging table.
    copies_into_new_tables: ClassVar[bool] = False
    #: The kinds of columns that it can read from a source's own files without loss; empty if it cannot read files.
    reads_in_place: ClassVar[frozenset[str]] = frozenset()
    #: True if texts that differ only in blanks at their end are equal.
    ignores_trailing_blanks: ClassVar[bool] = False
    #: The kinds of columns whose values it does not keep exactly, each with the reason. No checksum includes them.
    incomparable: ClassVar[Mapping[str, str]] = {}
    #: True if the length of a text is a number of bytes, not of characters.
    counts_bytes: ClassVar[bool] = False
    #: A part of its reason for refusing a text that is too long for its column.
    too_long: ClassVar[str] = "value too long for type"

    #: True if it sleeps while no query runs, and bills each time that a query wakes it.
    sleeps: bool = False

    #: True if it should reclaim the space of old rows right after a load that has replaced a whole table.
    reclaims: bool = False

    def reclaim(self, session: Session, table: str) -> None:
        """Reclaim the space of deleted rows of `table` (`schema.table`). By default, the warehouse needs no help."""

    def slices(self, session: Session) -> int | None:
        """Return the number of staged parts that `copy` loads at a time, or None if their number does not matter."""
        return None

    def longest_text(self, type: Type) -> int | None:
        """Return the length of the longest text in a column of this type of the catalog, or None without a limit."""
        return type.size if type.kind in ("varchar", "char") else None

    def staging_options(self, target: Target) -> str:
        """Return the SQL before AS, or after the columns, in the CREATE TEMP TABLE of staged rows."""
        return ""

    def index_staged_key(self, session: Session, target: Target, staged: str) -> bool:
        """Add a unique index on the key to `staged` (quoted) if the target exists and enforces the same key.

        With both indexes, the rows can be compared in the order of the key. By default, a warehouse has no indexes.

        Returns True if the index was added.

        Raises:
            DatabaseError: rows share a key (`Condition.BROKEN_RULE`).
        """
        return False

    def row_fingerprint(self, session: Session, target: Target) -> RowFingerprint | None:
        """Return a quick hash of a row of the target, or None if there is no such table yet.

        By default, a warehouse has none.
        """
        return None

    def ranges(self, session: Session, target: Target, staged: str) -> Ranges:
        """Return the ranges of the target's key columns and cursor in the rows of `staged` (quoted).

        Joins of `staged` with the target are bounded by them. Only a warehouse that can skip blocks of a table profits,
        and only columns with an exact order are included. By default, there are none.
        """
        return {}
