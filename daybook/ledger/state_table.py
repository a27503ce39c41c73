"""One of Daybook's own tables in the warehouse: create it, append rows, and read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar

from daybook.ledger.errors import SchemaOutdated
from daybook.ledger.schema_version import SCHEMA, TABLE, VERSION, check_version, record_version
from daybook.model.types import Column
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.lock_waits import retry_while_locked
from daybook.warehouses.session import Session

T = TypeVar("T")

#: The tables that a load writes to, and the schema's version. It reads the catalog for all of them in one query
#: (`Warehouse.look_up`).
TABLES_OF_A_LOAD = (TABLE, *(f"{SCHEMA}.{name}" for name in ("ledger", "columns", "checksums", "moves")))

#: The longest text in one of Daybook's own tables, in characters. The column is a varchar(4000): Redshift counts bytes,
#: and a character has up to four.
MAX_TEXT = 1000


def storable(text: str) -> str:
    """Return the text as one of Daybook's own tables can store it.

    It has at most MAX_TEXT characters. NUL and halves of surrogate pairs, which no warehouse accepts, are removed.
    """
    return text.encode(errors="ignore").decode().replace("\0", "")[:MAX_TEXT]


def values_of(row: Any) -> tuple[Any, ...]:
    """Return the fields of a dataclass. `astuple` copies each value, which takes seconds for 5,000 ledger entries."""
    return tuple(getattr(row, field.name) for field in fields(row))


class StateTable:
    """The append-only table `daybook.<name>`. `columns` are given as name: type."""

    def __init__(self, warehouse: Warehouse, name: str, columns: Mapping[str, str]) -> None:
        self._warehouse, self._name, self._columns = warehouse, name, columns
        self.table = warehouse.quote(SCHEMA, name)
        self.names = ", ".join(columns)

    def ensure(self, session: Session) -> None:
        """Create the table, or add the columns that it lacks because an older version of Daybook created it.

        If several runs do this at the same time, one of them succeeds, and the others use its table.

        Raises:
            WorkerOutdated: a newer release has upgraded the schema.
            SchemaOutdated: the table is so old that it needs `daybook upgrade`.
        """
        check_version(self._warehouse, session)
        existing = self._existing_columns(session)
        if existing:
            self._add(session, {name: type for name, type in self._columns.items() if name not in existing})
            return
        new_schema = not self._warehouse.exists(session, f"{SCHEMA}.ledger")
        columns = ", ".join(f"{name} {type}" for name, type in self._columns.items())
        for retry in (True, False):
            try:
                self._warehouse.make_schema(session, SCHEMA)  # looks first: the user may be unable to create schemas
                if new_schema and not self._warehouse.exists(session, TABLE):
                    record_version(self._warehouse, session, VERSION)
                session.run(f"CREATE TABLE IF NOT EXISTS {self.table} ({columns})")
                return
            except DatabaseError:
                # Another session created the schema or the table at the same time: IF NOT EXISTS does not prevent that.
                session.forget()
                if self._existing_columns(session):
                    return
                if not retry:
                    raise

    def read(self, session: Session, make: Callable[..., T], statement: str, values: Sequence[Any]) -> list[T]:
        """Run a query about the table, and return the result of `make` for each row. Empty if the table does not exist.

        Instants are in UTC, the time zone of a warehouse session. In a transaction, call `ensure` before it: a missing
        table or column would abort the transaction. Also read before you append: see `Session.apart`.
        """
        session = session.apart()
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
        """Add rows. Each row has a value for every column."""
        session.insert(self.table, self._columns, rows)

    def _add(self, session: Session, columns: Mapping[str, str]) -> None:
        full = f"{SCHEMA}.{self._name}"
        for name, type in columns.items():
            if "NOT NULL" in type:
                raise SchemaOutdated(f"{full} has no column {name}: an early release created it. Run `daybook upgrade`")
            add = partial(self._warehouse.alter, session, f"ALTER TABLE {self.table} ADD COLUMN {name} {type}")
            try:
                retry_while_locked(self._warehouse, session, [full], f"{full}: adding the column {name}", add)
            except DatabaseError:
                session.forget()
                if name not in self._existing_columns(session):
                    raise

    def _existing_columns(self, session: Session) -> Mapping[str, Column]:
        return self._warehouse.existing_columns(session, f"{SCHEMA}.{self._name}")
