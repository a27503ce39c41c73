"""Insert and update rows by their key; the newest row of a key wins."""

from daybook.strategies.base import INTERVALS, FoundColumns, Strategy
from daybook.strategies.staged_rows import StagedRows, not_newer_sql


class Upsert(Strategy):
    """Replaces the row of each key with the staged row, unless the table's row is newer. Equal rows are not rewritten.

    Rows that the source no longer has stay in the table.
    """

    summary = "insert and update rows by their key; the newest row of a key wins"
    needs = INTERVALS | {"key": "the columns that identify a row"}
    removes_rows = False
    rows_move = True
    keeps_newest_of_key = True
    accepts_earlier_rows = True

    def proposed_cursor(self, found: FoundColumns) -> str | None:
        """Return the column with the time of the latest change, if the table has a key."""
        return found.modified if found.key else None

    def apply(self, rows: StagedRows) -> None:
        """Delete the rows that staged ones replace, then insert the staged rows whose key is missing."""
        if not rows.count:
            return
        condition = not_newer_sql(rows.warehouse, rows.target, rows.staged, rows.ranges)
        differs = rows.differs_sql()
        if differs:
            condition += f" AND {differs}"
        rows.session.run(f"DELETE FROM {rows.table} USING {rows.staged} WHERE {condition}")
        rows.insert_missing(newer_only=True)
