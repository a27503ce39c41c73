"""Replace the whole table in each load."""

from daybook.strategies.base import Strategy
from daybook.strategies.staged_rows import StagedRows


class Replace(Strategy):
    """Replaces all rows of the table in one transaction. Readers see either the old rows or the new ones.

    The table itself stays, with its grants, comments, views, foreign keys, policies and publications.
    """

    summary = "replace the whole table in each load"
    removes_rows = True

    def apply(self, rows: StagedRows) -> None:
        """Make the staged rows the only rows of the table."""
        rows.replace_within("TRUE")
