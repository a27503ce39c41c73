"""The ledger: one row for every interval of every table that was loaded, committed in the transaction of its data.

It is append-only. The newest row that covers an interval counts, including one that covers others, too (a full
refresh). `loaded_at` increases from row to row of a table, even if the clocks of two workers disagree: a load computes
it while it holds the table's lock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from daybook.ledger.state_table import StateTable, values_of
from daybook.model.interval import Interval
from daybook.strategies.registry import WHOLE_TABLE
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: The `strategy` of an entry for a load that read nothing, because the source had not changed.
UNCHANGED = "unchanged"
#: The `strategy` of an entry that ends the history of a table: it was reset, renamed or removed. Neither this entry nor
#: an earlier one counts.
CLOSED = "closed"
#: The columns and their types. People query the first ones, so those must not change.
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
    "version": "varchar(1024)",
    "missing": "varchar(4000)",
    "checksum": "varchar(64)",
    "table_id": "varchar(64)",
    "table_rows": "bigint",
    "counts_from": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger. `start` is None for a full refresh of a table without a `start`. Instants are in UTC."""

    table: str
    start: datetime | None
    end: datetime
    rows: int
    strategy: str
    flow_run_id: str | None
    loaded_at: datetime
    load_id: str
    snapshot_at: datetime
    """The time of the source's snapshot, by the source's clock."""
    version: str | None = None
    """The version of a file and of its table file, to detect unchanged files. Of a database, that of its filter."""
    missing: str | None = None
    """The requested data that the source did not provide, as text. None: the load is complete."""
    checksum: str | None = None
    """The checksum of the loaded rows, for the audit (`daybook.audit.verdict`). None if they cannot be compared."""
    table_id: str | None = None
    """The identity of the table that was loaded: `Warehouse.identity`. None if the warehouse cannot tell."""
    table_rows: int | None = None
    """The number of rows of the whole table after the load. None: an older version of Daybook did not record it."""
    counts_from: datetime | None = None
    """Set if the load found that the table had lost its rows: entries before this moment no longer count."""

    @property
    def is_full_refresh(self) -> bool:
        """Return True if the load replaced all rows of the table."""
        return self.strategy == WHOLE_TABLE.name

    @property
    def is_confirmation(self) -> bool:
        """Return True if the load read nothing, because the source had not changed."""
        return self.strategy == UNCHANGED

    @property
    def is_closing(self) -> bool:
        """Return True if the entry is no load: the table was reset, renamed or removed."""
        return self.strategy == CLOSED

    def covers(self, interval: Interval) -> bool:
        """Return True if the load covered all of `interval`."""
        return (self.start is None or self.start <= interval.start) and interval.end <= self.end

    def is_of(self, interval: Interval) -> bool:
        """Return True if the load covered exactly `interval`."""
        return (self.start, self.end) == (interval.start, interval.end)


_IN_SHORT = "interval_start, interval_end, rows_loaded, loaded_at, flow_run_id"


class LedgerRow(NamedTuple):
    """A short form of an entry, to read many of them: ten years of hours are 87,600 entries."""

    start: datetime | None
    end: datetime
    rows: int
    loaded_at: datetime
    flow_run_id: str | None


class Coverage(NamedTuple):
    """The range of a table that is loaded: the last load, the end of its newest interval, and the first load.

    `since` is the earliest start of an entry. An entry without a start, from a full refresh, counts with its end.
    Instants are in UTC.
    """

    loaded_at: datetime
    until: datetime
    first_at: datetime
    since: datetime


class Ledger:
    """The table `daybook.ledger` of a warehouse. If it does not exist, nothing was loaded yet."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "ledger", COLUMNS)
        #: A condition that an entry counts. Its bind value is the table.
        self._counts = (
            f"loaded_at >= coalesce((SELECT max(counts_from) FROM {self._state_table.table} WHERE table_name = %s), "
            "loaded_at)"
        )

    def ensure(self, session: Session) -> None:
        """Create the ledger if it does not exist."""
        self._state_table.ensure(session)

    def newest(self, session: Session, table: str, span: Interval | None = None) -> list[Entry]:
        """Return the newest entry of every interval of `table` that overlaps `span` (None: all), oldest entry first.

        Entries of rows that the table has lost are left out: see `Entry.counts_from`.
        """
        return self._state_table.read(session, Entry, *self._newest(self._state_table.names, table, span))

    def loaded(self, session: Session, table: str, span: Interval) -> list[LedgerRow]:
        """Return the same entries as `newest`, in short form."""
        return self._state_table.read(session, LedgerRow, *self._newest(_IN_SHORT, table, span))

    def first(self, session: Session, table: str, span: Interval) -> list[LedgerRow]:
        """Return the oldest entry of every interval of `table` that overlaps `span`, oldest first, in short form."""
        loads = " AND strategy <> %s"
        return self._state_table.read(session, LedgerRow, *self._one_each("ASC", _IN_SHORT, table, span, loads, CLOSED))

    def _newest(self, names: str, table: str, span: Interval | None) -> tuple[str, list[Any]]:
        return self._one_each("DESC", names, table, span, f" AND {self._counts}", table)

    def _one_each(
        self, order: str, names: str, table: str, span: Interval | None, only: str = "", *bound: Any
    ) -> tuple[str, list[Any]]:
        where, values = f"table_name = %s{only}", [table, *bound]
        if span:
            where += " AND interval_end > %s AND (interval_start IS NULL OR interval_start < %s)"
            values += [span.start, span.end]
        return (
            f"SELECT {names} FROM (SELECT {names}, ROW_NUMBER() OVER (PARTITION BY interval_start, interval_end "
            f"ORDER BY loaded_at {order}) AS age FROM {self._state_table.table} WHERE {where}) AS newest "
            "WHERE age = 1 ORDER BY loaded_at",
            values,
        )

    def last_table(self, session: Session, table: str) -> tuple[str | None, int, str | None] | None:
        """Return `table_id`, `table_rows` and `version` of the newest entry with `table_rows`; None if none has."""
        statement = (
            f"SELECT table_id, table_rows, version FROM {self._state_table.table} "
            "WHERE table_name = %s AND table_rows IS NOT NULL ORDER BY loaded_at DESC LIMIT 1"
        )
        return next(iter(self._state_table.read(session, lambda *row: row, statement, (table,))), None)

    def recent_rows(self, session: Session, table: str, *, full_refreshes: bool, most: int) -> list[int]:
        """Return the row counts of the newest entries of `table`, newest first: of full refreshes, or of all others."""
        statement = (
            f"SELECT rows_loaded FROM {self._state_table.table} "
            f"WHERE table_name = %s AND strategy {'=' if full_refreshes else '<>'} %s AND strategy <> %s "
            f"ORDER BY loaded_at DESC, interval_start DESC LIMIT {most:d}"
        )
        return self._state_table.read(session, int, statement, (table, WHOLE_TABLE.name, CLOSED))

    def of_run(self, session: Session, table: str, flow_run_id: str) -> list[Entry]:
        """Return the entries of `table` that the flow run `flow_run_id` committed."""
        return self._where(session, "table_name = %s AND flow_run_id = %s", (table, flow_run_id))

    def of_load(self, session: Session, table: str, load_id: str) -> list[Entry]:
        """Return the entries of one load. Empty if its transaction was not committed."""
        return self._where(session, "table_name = %s AND load_id = %s", (table, load_id))

    def since(self, session: Session, table: str, moment: datetime) -> list[Entry]:
        """Return the entries of `table` that were committed after `moment`, oldest interval first."""
        return self._where(session, "table_name = %s AND loaded_at > %s", (table, moment))

    def _where(self, session: Session, condition: str, values: Sequence[Any]) -> list[Entry]:
        state_table = self._state_table
        statement = f"SELECT {state_table.names} FROM {state_table.table} WHERE {condition} ORDER BY interval_start"
        return state_table.read(session, Entry, statement, values)

    def ends(self, session: Session, tables: Sequence[str] | None = None) -> dict[str, Coverage]:
        """Return the coverage of each of these tables (None: of all). Omit tables that were never loaded.

        Entries of rows that a table has lost are left out: see `Entry.counts_from`.
        """
        ledger = self._state_table.table
        chosen = "1 = 1" if tables is None else f"e.table_name IN ({', '.join(['%s'] * len(tables)) or 'NULL'})"
        statement = (
            "SELECT e.table_name, max(e.loaded_at), max(e.interval_end), min(e.loaded_at), "
            f"min(coalesce(e.interval_start, e.interval_end)) FROM {ledger} AS e LEFT JOIN "
            f"(SELECT table_name, max(counts_from) AS moment FROM {ledger} WHERE counts_from IS NOT NULL "
            "GROUP BY table_name) AS lost ON lost.table_name = e.table_name "
            f"WHERE {chosen} "
            "AND (lost.moment IS NULL OR e.loaded_at >= lost.moment) GROUP BY e.table_name"
        )
        return dict(self._state_table.read(session, lambda name, *end: (name, Coverage(*end)), statement, tables or ()))

    def next_moment(self, session: Session, table: str) -> datetime:
        """Return the `loaded_at` of the next entry of `table`: now, but later than the newest entry.

        Call it while holding the table's lock.
        """
        statement = f"SELECT max(loaded_at) FROM {self._state_table.table} WHERE table_name = %s"
        (newest,) = self._state_table.read(session, lambda moment: moment, statement, (table,)) or (None,)
        now = datetime.now(UTC)
        return max(now, newest + timedelta(microseconds=1)) if newest else now

    def close(self, session: Session, table: str, table_id: str | None, rows: int | None) -> None:
        """End the history of `table`: none of its intervals counts as loaded any more. Call it under the table's lock.

        `table_id` and `rows` are those that the next load finds. `rows` is None if the table keeps its rows.
        """
        moment = self.next_moment(session, table)
        # It covers no interval, no snapshot is older, and it does not count itself.
        none, counts_from = datetime(1970, 1, 1, tzinfo=UTC), moment + timedelta(microseconds=1)
        entry = Entry(table, None, none, 0, CLOSED, None, moment, str(uuid4()), none)
        self.record(session, [replace(entry, table_id=table_id, table_rows=rows, counts_from=counts_from)])

    def record(self, session: Session, entries: Iterable[Entry]) -> None:
        """Append entries."""
        self._state_table.append(session, [values_of(entry) for entry in entries])


def latest_covering(interval: Interval, entries: Sequence[Entry]) -> Entry | None:
    """Return the newest of `entries` that covers `interval`, or None if it was never loaded."""
    covering = [entry for entry in entries if entry.covers(interval)]
    return max(covering, key=lambda entry: entry.loaded_at) if covering else None
