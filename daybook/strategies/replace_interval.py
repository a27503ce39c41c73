"""Replace the rows of each interval with what the source has now."""

from daybook.strategies.base import INTERVALS, FoundColumns, Strategy
from daybook.strategies.staged_rows import StagedRows, without_keys_sql


class ReplaceInterval(Strategy):
    """Replace the rows of the intervals, also where the source has none any more.

    A row whose cursor has moved into the intervals still has an older copy elsewhere in the table, under the same key.
    A load removes that copy, too. It leaves a row whose key is in `moved_keys`: that row has moved on to an interval
    that is still to be loaded.
    """

    summary = "delete the rows of the interval, and insert those that the source has now"
    needs = INTERVALS
    removes_rows = True

    def proposed_cursor(self, found: FoundColumns) -> str | None:
        """Return the time of creation, if rows are neither changed nor deleted later."""
        return None if found.modified or found.deleted else found.created

    def apply(self, rows: StagedRows) -> None:
        """Make the staged rows the only rows of their intervals."""
        scope, bounds = rows.intervals_sql()
        if rows.moved_keys:
            scope += f" AND {without_keys_sql(rows.warehouse, rows.target, rows.table, rows.moved_keys)}"
        rows.replace_within(scope, bounds)
