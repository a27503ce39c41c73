"""Replace the rows of each interval with what the source has now."""

from daybook.strategies.base import INTERVALS, FoundColumns, Strategy
from daybook.strategies.staged_rows import StagedRows, without_keys_sql


class ReplaceInterval(Strategy):
    """Replaces the rows of the intervals, even if the source no longer has any.

    If the cursor of a row has moved into the intervals, the table has an older copy of the row elsewhere, with the same
    key. A load removes that copy, too. It keeps the rows whose keys are in `moved_keys`, because they have moved to an
    interval that is not loaded yet.
    """

    summary = "delete the rows of the interval, and insert those that the source has now"
    needs = INTERVALS
    removes_rows = True

    def proposed_cursor(self, found: FoundColumns) -> str | None:
        """Return the column with the time of creation, if no column records later changes or deletions."""
        return None if found.modified or found.deleted else found.created

    def apply(self, rows: StagedRows) -> None:
        """Make the staged rows the only rows of their intervals."""
        scope, bounds = rows.intervals_sql()
        if rows.moved_keys:
            scope += f" AND {without_keys_sql(rows.warehouse, rows.target, rows.table, rows.moved_keys)}"
        rows.replace_within(scope, bounds)
