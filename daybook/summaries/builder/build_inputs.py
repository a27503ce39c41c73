"""What each build of a summary had read: the newest row of the ledger of each input, as it was before the build.

It is kept input by input, since `loaded_at` grows from row to row of one table, and says nothing of two: the clocks of
two workers disagree, and a load that began before the build may be committed after it.
"""

from collections.abc import Mapping
from datetime import datetime

from daybook.ledger.state_table import StateTable
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "load_id": "varchar(36) NOT NULL",
    "input_name": "varchar(255) NOT NULL",
    "input_loaded_at": "timestamptz",
}

#: The newest `loaded_at` of each input; None for one that the ledger knows nothing of.
Seen = Mapping[str, datetime | None]


class Inputs:
    """The table `daybook.inputs` of a warehouse: with the ledger, it says what came of what."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "inputs", COLUMNS)

    def ensure(self, session: Session) -> None:
        """Make it where it is missing."""
        self._state_table.ensure(session)

    def seen(self, session: Session, table: str, load_id: str) -> dict[str, datetime | None]:
        """What the build `load_id` of `table` had read."""
        statement = (
            f"SELECT input_name, input_loaded_at FROM {self._state_table.table} WHERE table_name = %s AND load_id = %s"
        )
        return dict(self._state_table.read(session, lambda *row: row, statement, (table, load_id)))

    def record(self, session: Session, table: str, load_id: str, seen: Seen) -> None:
        """Note what the build `load_id` has read, in the transaction of its entries."""
        self._state_table.append(session, [(table, load_id, name, loaded_at) for name, loaded_at in seen.items()])
