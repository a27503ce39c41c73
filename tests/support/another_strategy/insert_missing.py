"""A fourth load strategy: insert rows whose key is not in the table yet, and never change existing rows."""

from daybook.strategies.base import INTERVALS, FoundColumns, Strategy
from daybook.strategies.staged_rows import StagedRows


class InsertMissing(Strategy):
    """Insert staged rows with a new key. Existing rows stay as they were first loaded."""

    summary = "insert rows with a new key, never change one"
    needs = INTERVALS | {"key": "the columns that identify a row"}
    removes_rows = False

    def proposed_cursor(self, found: FoundColumns) -> str | None:
        """Return the time of creation of rows that are never changed and have a key."""
        return found.created if found.key and not found.modified and not found.deleted else None

    def apply(self, rows: StagedRows) -> None:
        """Insert the staged rows whose key the table does not have."""
        rows.insert_missing()
