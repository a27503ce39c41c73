"""The ledger: one row for every interval of every table that was loaded, committed in the transaction of its data.

It is append-only. The newest row of an interval is the truth, and a row that covers an interval (a full refresh) speaks
for it too. `loaded_at` grows from row to row of a table even where the clocks of two workers disagree, because it is
taken under the lock of the table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from daybook.interval import Interval
from daybook.warehouses import Warehouse
from daybook.warehouses.session import Session

SCHEMA, NAME = "daybook", "ledger"

#: Every column and its type; the first ones are the contract that people query.
COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "interval_start": "timestamptz",
    "interval_end": "timestamptz NOT NULL",
    "rows_loaded": "bigint NOT NULL",
    "strategy": "varchar(32) NOT NULL",
    "flow_run_id": "varchar(64)",
    "loaded_at": "timestamptz NOT NULL",
    "load_id": "varchar(36) NOT NULL",
    "snapshot_at": "timestamptz NOT NULL",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger. `start` is None where a whole table without a `start` was loaded; instants are in UTC."""

    table: str
    start: datetime | None
    end: datetime
    rows: int
    strategy: str
    flow_run_id: str | None
    loaded_at: datetime
    load_id: str
    snapshot_at: datetime
    """The moment of the source that was loaded, by the source's clock."""

    def covers(self, interval: Interval) -> bool:
        """Whether what was loaded then includes all of `interval`."""
        return (self.start is None or self.start <= interval.start) and interval.end <= self.end


class Ledger:
    """The table `daybook.ledger` of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._table = warehouse.quote(SCHEMA, NAME)

    def exists(self, session: Session) -> bool:
        """Whether anything was ever loaded into this warehouse."""
        return self._warehouse.exists(session, f"{SCHEMA}.{NAME}")

    def ensure(self, session: Session) -> None:
        """Make the ledger where it is missing. Loads that start at the same moment all want to; one of them does."""
        if self.exists(session):
            return
        columns = ", ".join(f"{name} {type}" for name, type in COLUMNS.items())
        for again in (True, False):
            try:
                session.run(f"CREATE SCHEMA IF NOT EXISTS {self._warehouse.quote(SCHEMA)}")
                session.run(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns})")
                return
            except session.connection.Error:
                # Somebody was quicker, which even IF NOT EXISTS calls an error: perhaps with the schema only, so far.
                if self.exists(session):
                    return
                if not again:
                    raise

    def newest(self, session: Session, table: str, span: Interval | None = None) -> list[Entry]:
        """The newest entry of every interval of `table` that overlaps `span` (None: all), oldest entry first."""
        where, values = "table_name = %s", [table]
        if span:
            where += " AND interval_end > %s AND (interval_start IS NULL OR interval_start < %s)"
            values += [span.start, span.end]  # type: ignore[list-item]
        names = ", ".join(COLUMNS)
        found = session.rows(
            f"SELECT {names} FROM (SELECT {names}, ROW_NUMBER() OVER (PARTITION BY interval_start, interval_end "
            f"ORDER BY loaded_at DESC) AS age FROM {self._table} WHERE {where}) AS newest "
            "WHERE age = 1 ORDER BY loaded_at",
            values,
        )
        return [_entry(row) for row in found]

    def of_run(self, session: Session, table: str, flow_run_id: str) -> list[Entry]:
        """What the flow run `flow_run_id` has committed of `table`."""
        return self._where(session, "table_name = %s AND flow_run_id = %s", (table, flow_run_id))

    def of_load(self, session: Session, table: str, load_id: str) -> list[Entry]:
        """The entries of one load: there are some exactly when its transaction was committed."""
        return self._where(session, "table_name = %s AND load_id = %s", (table, load_id))

    def since(self, session: Session, table: str, moment: datetime) -> list[Entry]:
        """What was committed of `table` after `moment`, oldest interval first."""
        return self._where(session, "table_name = %s AND loaded_at > %s", (table, moment))

    def _where(self, session: Session, condition: str, values: tuple[str, str | datetime]) -> list[Entry]:
        names = ", ".join(COLUMNS)
        statement = f"SELECT {names} FROM {self._table} WHERE {condition} ORDER BY interval_start"
        return [_entry(row) for row in session.rows(statement, values)]

    def next_moment(self, session: Session, table: str) -> datetime:
        """The `loaded_at` of the next entry of `table`: now, or just behind the newest one. Call it under the lock."""
        newest = session.one(f"SELECT max(loaded_at) FROM {self._table} WHERE table_name = %s", (table,))
        now = datetime.now(UTC)
        return max(now, newest + timedelta(microseconds=1)) if newest else now

    def record(self, session: Session, entries: Iterable[Entry]) -> None:
        """Append entries, a few hundred a statement."""
        pending = [
            (e.table, e.start, e.end, e.rows, e.strategy, e.flow_run_id, e.loaded_at, e.load_id, e.snapshot_at)
            for e in entries
        ]
        places = f"({', '.join(['%s'] * len(COLUMNS))})"
        for first in range(0, len(pending), 500):
            batch = pending[first : first + 500]
            session.run(
                f"INSERT INTO {self._table} ({', '.join(COLUMNS)}) VALUES {', '.join([places] * len(batch))}",
                [value for row in batch for value in row],
            )


def speaking_for(interval: Interval, entries: Sequence[Entry]) -> Entry | None:
    """The newest of `entries` that covers `interval`: what the ledger says of it. None: it was never loaded."""
    covering = [entry for entry in entries if entry.covers(interval)]
    return max(covering, key=lambda entry: entry.loaded_at) if covering else None


def _entry(row: tuple[Any, ...]) -> Entry:
    values: list[Any] = [value.astimezone(UTC) if isinstance(value, datetime) else value for value in row]
    return Entry(*values)
