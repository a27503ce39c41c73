"""Record what each build of a summary read: the `loaded_at` of the newest ledger row of each input, before the build.

Daybook records it for each input separately. `loaded_at` grows from row to row of one table, but cannot be compared
between two tables: the clocks of two workers differ, and a load that began before the build can be committed after it.
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

#: The newest `loaded_at` of each input. None: the ledger has no row of it.
Seen = Mapping[str, datetime | None]


class Inputs:
    """The table `daybook.inputs` of a warehouse. Together with the ledger it gives the lineage of each build."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "inputs", COLUMNS)

    def ensure(self, session: Session) -> None:
        """Create the table if it does not exist."""
        self._state_table.ensure(session)

    def seen(self, session: Session, table: str, load_id: str) -> dict[str, datetime | None]:
        """Return the `loaded_at` (UTC) of each input that the build `load_id` of `table` read."""
        statement = (
            f"SELECT input_name, input_loaded_at FROM {self._state_table.table} WHERE table_name = %s AND load_id = %s"
        )
        return dict(self._state_table.read(session, lambda *row: row, statement, (table, load_id)))

    def record(self, session: Session, table: str, load_id: str, seen: Seen) -> None:
        """Record what the build `load_id` read, in the transaction that records its ledger entries."""
        self._state_table.append(session, [(table, load_id, name, loaded_at) for name, loaded_at in seen.items()])
