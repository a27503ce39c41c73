"""The table `daybook.moves`: the intervals that lost or gained rows in a load or build of other intervals.

An upsert takes a row out of the interval that had it, for example. The ledger has rows only for the intervals that a
load was asked to load. Summaries need all intervals that have changed.
"""

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from daybook.ledger.state_table import StateTable
from daybook.model.interval import Interval
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "load_id": "varchar(36) NOT NULL",
    "interval_start": "timestamptz",
    "interval_end": "timestamptz",
    "loaded_at": "timestamptz NOT NULL",
}


class Unplaced(Enum):
    """Rows that belong to no interval."""

    WITHOUT_CURSOR = "rows whose cursor is NULL"


#: An interval of a table, or its rows without a cursor. None: any of its rows may have changed.
MovedInterval = Interval | Unplaced | None


class Moves:
    """The table `daybook.moves` of a warehouse. It is append-only."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "moves", COLUMNS)

    def ensure(self, session: Session) -> None:
        """Create the table if it does not exist."""
        self._state_table.ensure(session)

    def record(
        self, session: Session, table: str, load_id: str, loaded_at: datetime, moved: Collection[MovedInterval]
    ) -> None:
        """Add the intervals that the load `load_id` changed besides its own. Call it in the transaction of the load.

        `loaded_at` is that of the load's ledger entries.
        """
        ends: list[tuple[datetime | None, datetime | None]]
        ends = [(one.start, one.end) for one in moved if isinstance(one, Interval)]
        if None in moved:
            ends.append((None, None))
        if Unplaced.WITHOUT_CURSOR in moved:
            ends.append((None, loaded_at))
        self._state_table.append(session, [(table, load_id, *pair, loaded_at) for pair in ends])

    def since(self, session: Session, table: str, moment: datetime) -> set[MovedInterval]:
        """Return the intervals of `table` that loads changed after `moment` besides their own."""
        statement = (
            f"SELECT DISTINCT interval_start, interval_end FROM {self._state_table.table} "
            "WHERE table_name = %s AND loaded_at > %s"
        )
        return set(self._state_table.read(session, _interval, statement, (table, moment)))


def _interval(start: datetime | None, end: datetime | None) -> MovedInterval:
    if start and end:
        return Interval(start, end)
    return Unplaced.WITHOUT_CURSOR if end else None
