"""Compare the table in the warehouse with the ledger: it may be gone, be another table, or have lost its rows.

A load records the identity of the table and its number of rows. If they no longer fit, the ledger's entries claim rows
that nobody has, so no load may add an interval as if they were there, and no interval counts as loaded.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daybook.ledger.ledger import Entry, Ledger
from daybook.model.interval import Interval, merged
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import TABLE, Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

#: The most rows that are counted of a table with the recorded identity: a load must not read all of a large table.
MOST_COUNTED = 100_000
#: Milliseconds: a reader of the ledger does not wait for a load or an ALTER that locks the table.
_PATIENCE = 2_000
#: What `Ledger.last_table` returns.
_Recorded = tuple[str | None, int, str | None]


@dataclass(frozen=True, slots=True)
class Loss:
    """The rows that a table should have by the ledger, and has not."""

    why: str
    """What was found: "it is gone from the warehouse"."""
    left: int
    """The number of rows that the table has. 0 if it does not exist."""
    recorded: int | None
    """The number of rows of the table after its last load. None: an older version of Daybook did not record it."""
    claims: tuple[Entry, ...]
    """The newest ledger entry of each interval with rows."""

    @property
    def since(self) -> datetime | None:
        """Return the start of the claimed rows. None: a full refresh loaded them, also those before `start:`."""
        starts = [entry.start for entry in self.claims if entry.start is not None and not entry.is_full_refresh]
        return min(starts) if len(starts) == len(self.claims) else None

    def all_within(self, spans: Sequence[Interval]) -> bool:
        """Return True if a load of `spans` replaces all that was lost."""
        claimed = [Interval(entry.start, entry.end) for entry in self.claims if entry.start is not None]
        return self.since is not None and merged([*spans, *claimed]) == merged(spans)

    def __str__(self) -> str:
        rows = sum(entry.rows for entry in self.claims) if self.recorded is None else self.recorded
        last = max(entry.loaded_at for entry in self.claims)
        until = max(entry.end for entry in self.claims)
        since = f"from {self.since:%Y-%m-%d %H:%M} " if self.since else ""
        return (
            f"{self.why}, but by the ledger it has {rows} rows {since}until {until:%Y-%m-%d %H:%M} UTC, in "
            f"{len(self.claims)} entries (last load: {last:%Y-%m-%d %H:%M} UTC)"
        )


@dataclass(frozen=True, slots=True)
class TableState:
    """The table in the warehouse, compared with the ledger."""

    table_id: str | None
    """The table's identity. None: it does not exist, or the warehouse cannot tell."""
    rows: int | None
    """Its number of rows, as far as the loads have changed it. None if it is unknown."""
    loss: Loss | None = None
    version: str | None = None
    """The version of its last load: `Entry.version`."""


def compare(
    session: Session,
    warehouse: Warehouse,
    table: str,
    shrink_limit: float,
    *,
    exists: bool | None = None,
    table_id: str | None = None,
) -> TableState:
    """Compare `table` with what its last load recorded.

    Pass `exists` and `table_id` if they are known, because the catalog of a large warehouse is slow.

    The table is lost if the ledger claims rows, and one of these is true:

    - The table does not exist.
    - It has less than the share `shrink_limit` of the rows, or none. Daybook counts up to MOST_COUNTED rows.
    - It has another identity, and fewer rows. With all rows, it was copied or restored: its identity is accepted.
    """
    ledger = Ledger(warehouse)
    recorded = ledger.last_table(session, table)
    if not (warehouse.exists(session, table) if exists is None else exists):
        loss = _loss(session, ledger, table, "it is gone from the warehouse", 0, recorded)
        session.forget()
        if loss is None or not warehouse.exists(session, table):
            return TableState(None, 0, loss)
        recorded = ledger.last_table(session, table)  # another load has created the table in between
    table_id, rows = table_id or warehouse.identity(session, table), warehouse.table(table)
    if recorded is None:
        if not shrink_limit:
            return TableState(table_id, None)
        left = session.one(f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT 1) AS found")
        return TableState(table_id, None, None if left else _loss(session, ledger, table, "it is empty", 0, None))
    known_id, known, version = recorded
    if known_id is not None and table_id is not None and known_id != table_id:
        left = session.one(f"SELECT count(*) FROM {rows}")
        if left >= known:
            if known:
                logger.warning(
                    "%s: it is another table than the one that was loaded, but it has all %d rows, so loads go on "
                    "with it. If nobody has copied or restored it, compare it with its source: daybook reconcile %s",
                    *(table, known, table),
                )
            return TableState(table_id, left, version=version)
        kind = warehouse.kind_of(session, table)
        other = "another table than the one that was loaded" if kind == TABLE else f"{kind}, not the table of the loads"
        return TableState(
            table_id, left, _loss(session, ledger, table, f"it is {other}, and has {left} rows", left, recorded)
        )
    enough = min(math.ceil(known * shrink_limit), MOST_COUNTED)
    left = session.one(f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {enough}) AS found") if enough else 0
    if left < enough:
        why = f"it has {left} rows" if left else "it is empty"
        return TableState(table_id, left, _loss(session, ledger, table, why, left, recorded))
    return TableState(table_id, known, version=version)


def loss_unless_locked(session: Session, warehouse: Warehouse, table: str, shrink_limit: float) -> Loss | None:
    """Return the loss of a table, or None if it has what the ledger claims (see `compare`), or is locked.

    Each load compares the table again, in its transaction.
    """
    with warehouse.waiting_at_most(session, _PATIENCE):
        try:
            return compare(session, warehouse, table, shrink_limit).loss
        except DatabaseError as error:
            if not (meets(error, Condition.TIMED_OUT) or meets(error, Condition.LOCKED)):
                raise
            logger.info("%s is locked, so it was not compared with the ledger: %s", table, error.message)
            return None


def _loss(
    session: Session,
    ledger: Ledger,
    table: str,
    why: str,
    left: int,
    recorded: tuple[str | None, int, str | None] | None,
) -> Loss | None:
    """Return the loss, or None if the ledger claims no rows."""
    known = recorded[1] if recorded else None
    claims = _with_rows(ledger.newest(session, table)) if known != 0 else ()
    return Loss(why, left, known, claims) if claims else None


def _with_rows(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.rows)
