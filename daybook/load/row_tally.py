"""Count the rows of a table through the statements of a load, so that no load needs to read all of a large table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daybook.warehouses.session import Session


@dataclass(slots=True)
class RowTally:
    """A session for a strategy, which counts the rows that its statements add to `table` (quoted) and remove from it.

    `rows` is the table's row count: known before the load, and kept from there. `inserted` is the number of rows that
    the load has inserted. None: unknown.
    """

    session: Session
    table: str
    rows: int | None
    inserted: int | None = 0

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Execute a statement and return the number of rows that it touched, or -1 if that is unknown."""
        touched = self.session.run(statement, values)
        if self.table in statement and not statement.startswith("CREATE TEMP TABLE "):
            self._count(statement, touched)
        return touched

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Execute a query and return its one value."""
        return self.session.one(statement, values)

    def total(self) -> int:
        """Return the table's row count. If it is unknown, the warehouse counts."""
        if self.rows is None:
            self.rows = self.session.one(f"SELECT count(*) FROM {self.table}")
        return self.rows

    def _count(self, statement: str, touched: int) -> None:
        sign = 1 if statement.startswith(f"INSERT INTO {self.table} ") else -1
        known = sign == 1 or statement.startswith(f"DELETE FROM {self.table} ")
        if sign == 1:
            self.inserted = self.inserted + touched if self.inserted is not None and touched >= 0 else None
        self.rows = self.rows + sign * touched if self.rows is not None and known and touched >= 0 else None
