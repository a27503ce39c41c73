"""The source's columns at the last load of each table: `daybook.columns`. Loads use it to detect schema changes.

It is append-only. If the source's columns have changed, a load appends all of them again, in the transaction of its
rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daybook.ledger.state_table import StateTable
from daybook.model.target import Target
from daybook.model.types import NO_TYPE, Column, Type, parse_type
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "column_name": "varchar(255) NOT NULL",
    "column_type": "varchar(255) NOT NULL",
    "loaded": "boolean NOT NULL",
    "place": "integer NOT NULL",
    "noted_at": "timestamptz NOT NULL",
    "load_id": "varchar(36) NOT NULL",
}


@dataclass(frozen=True, slots=True)
class KnownColumn:
    """A column of the source at an earlier load: its type after masking, and whether it was loaded."""

    name: str
    type: Type
    loaded: bool


class SourceColumnHistory:
    """The table `daybook.columns` of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "columns", COLUMNS)

    @property
    def name(self) -> str:
        """Return the quoted name of the table."""
        return self._state_table.table

    def ensure(self, session: Session) -> None:
        """Create the table if it does not exist."""
        self._state_table.ensure(session)

    def newest(self, session: Session, table: str) -> dict[str, KnownColumn]:
        """Return the source's columns at the last load of `table`, by name. Empty if it was never loaded."""
        columns = self._state_table.read(
            session,
            lambda name, text, loaded: KnownColumn(name, _type(text), loaded),
            f"SELECT column_name, column_type, loaded FROM {self.name} WHERE table_name = %s AND noted_at = "
            f"(SELECT max(noted_at) FROM {self.name} WHERE table_name = %s) ORDER BY place",
            (table, table),
        )
        return {column.name: column for column in columns}

    def changed(self, session: Session, target: Target, found: Sequence[Column]) -> list[KnownColumn]:
        """Return the source's columns if they have changed since the last load of `target`; empty if they have not.

        Call it while holding the table's lock.
        """
        loaded = set(target.column_names)
        now = {column.name: KnownColumn(column.name, column.type, column.name in loaded) for column in found}
        return list(now.values()) if found and now != self.newest(session, target.name) else []

    def record(
        self, session: Session, table: str, columns: Sequence[KnownColumn], noted_at: datetime, load_id: str
    ) -> None:
        """Record the source's columns, if there are any. Call it in the transaction of the load."""
        rows = [
            (table, column.name, str(column.type), column.loaded, place, noted_at, load_id)
            for place, column in enumerate(columns)
        ]
        self._state_table.append(session, rows)


def _type(text: str) -> Type:
    if text == str(NO_TYPE):
        return NO_TYPE
    try:
        return parse_type(text)
    except ValueError:
        return Type("native", native=text)
