"""A table of Daybook's own in the warehouse: made where it is missing, appended to, and read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from daybook.model.types import Column
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

T = TypeVar("T")

SCHEMA = "daybook"
#: The tables that a load writes to. It asks the catalogue for all of them at once (`Warehouse.look_up`).
TABLES_OF_A_LOAD = tuple(f"{SCHEMA}.{name}" for name in ("ledger", "columns", "checksums"))

#: The longest text that a table of Daybook's own keeps, in characters. Its column is a varchar(4000): Redshift counts
#: bytes, and a character has up to four.
MAX_TEXT = 1000


def storable(text: str) -> str:
    """Return the text as a table of Daybook's own can keep it.

    It has at most MAX_TEXT characters, without those that no warehouse holds: NUL, and halves of surrogate pairs.
    """
    return text.encode(errors="ignore").decode().replace("\0", "")[:MAX_TEXT]


class StateTable:
    """The table `daybook.<name>`, whose `columns` are given as name: type. It is never updated, only added to."""

    def __init__(self, warehouse: Warehouse, name: str, columns: Mapping[str, str]) -> None:
        self._warehouse, self._name, self._columns = warehouse, name, columns
        self.table = warehouse.quote(SCHEMA, name)
        self.names = ", ".join(columns)

    def ensure(self, session: Session) -> None:
        """Make the table, or those of its columns, that are missing: an older Daybook may have made it.

        Runs that start at the same moment all want to; one of them does.
        """
        there = self._there(session)
        if there:
            self._add(session, {name: type for name, type in self._columns.items() if name not in there})
            return
        columns = ", ".join(f"{name} {type}" for name, type in self._columns.items())
        for again in (True, False):
            try:
                session.run(f"CREATE SCHEMA IF NOT EXISTS {self._warehouse.quote(SCHEMA)}")
                session.run(f"CREATE TABLE IF NOT EXISTS {self.table} ({columns})")
                return
            except DatabaseError:
                # Another session was quicker, perhaps with the schema only: even IF NOT EXISTS calls that an error
                session.forget()
                if self._there(session):
                    return
                if not again:
                    raise

    def read(self, session: Session, make: Callable[..., T], statement: str, values: Sequence[Any]) -> list[T]:
        """What `make` makes of each row of a query about the table; nothing while there is no such table.

        Instants are in UTC, as a session of a warehouse shows them. Within a transaction, `ensure` the table before.
        """
        try:
            return [make(*row) for row in session.stream(statement, values)]
        except DatabaseError as error:
            if meets(error, Condition.MISSING_TABLE):
                return []
            if not meets(error, Condition.MISSING_COLUMN):
                raise
            self.ensure(session)
            return [make(*row) for row in session.stream(statement, values)]

    def append(self, session: Session, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, each with a value for every column."""
        session.insert(self.table, self._columns, rows)

    def _add(self, session: Session, columns: Mapping[str, str]) -> None:
        for name, type in columns.items():
            try:
                session.run(f"ALTER TABLE {self.table} ADD COLUMN {name} {type}")
            except DatabaseError:
                session.forget()
                if name not in self._there(session):
                    raise

    def _there(self, session: Session) -> Mapping[str, Column]:
        return self._warehouse.existing_columns(session, f"{SCHEMA}.{self._name}")
