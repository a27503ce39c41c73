"""Both sides of a table, opened for an audit: the source in its snapshot, the ledger and the warehouse in theirs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from daybook.definitions.table import Table
from daybook.errors import AuditRefused
from daybook.ledger.interval_checksums import Checksums
from daybook.ledger.ledger import Coverage, Entry, Ledger
from daybook.load.checksums import LoadChecksums, recipe_for
from daybook.load.moved_rows import READ_BACK, keep_keys, later_keys, settled_sql, whole_until
from daybook.load.target_shape import as_sent, target_of
from daybook.model.interval import Interval
from daybook.model.masks import masked
from daybook.model.target import Target
from daybook.model.types import Column
from daybook.sources.base import ConnectionProvider, Source
from daybook.sql.checksum.columns import ComparedColumns
from daybook.sql.checksum.side import Auditable, ComparisonPair, ComparisonSide
from daybook.sql.database_error import Condition, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: How far the clocks of a worker and of a source may be apart.
_CLOCKS = timedelta(hours=1)


@dataclass(frozen=True)
class Comparison:
    """A table that is being compared."""

    table: Table
    warehouse: Warehouse
    session: Session
    recipe: ComparedColumns
    both: ComparisonPair
    target: Target
    with_moved: ComparisonSide | None
    """The warehouse's side with the rows that have moved on since they were loaded; None where rows do not move."""
    end: Coverage | None
    """How far the table had come by the ledger before it was read; None: it was never loaded."""
    until: datetime | None
    """Until when its intervals had been loaded whole; None: it has none, or was never loaded."""
    snapshot_at: datetime
    """The moment that the source shows."""

    def entries(self, span: Interval) -> list[Entry]:
        """The ledger's newest entries of the intervals that overlap `span`, the oldest entry first."""
        return Ledger(self.warehouse).newest(self.session, self.table.name, span)

    def entries_per_interval(self, pairs: Sequence[tuple[Interval, Entry | None]]) -> list[Entry | None]:
        """The entry of each interval alone, where it was loaded with others by a full refresh that told them apart."""
        return Checksums(self.warehouse).entries_per_interval(self.session, self.table.name, pairs)

    def concurrent_loads(self) -> list[Entry]:
        """What was loaded while both sides were read, or of which the source's snapshot is too old to know.

        It ends the warehouse's snapshot: ask it last.
        """
        self.session.run("ROLLBACK")
        known = self.end.loaded_at if self.end else datetime.min.replace(tzinfo=self.snapshot_at.tzinfo)
        since = min(known, self.snapshot_at - _CLOCKS) if self.end else known
        later = Ledger(self.warehouse).since(self.session, self.table.name, since)
        return [entry for entry in later if entry.loaded_at > known or entry.snapshot_at > self.snapshot_at]


def require_database(table: Table) -> None:
    """See that the source can be compared at all.

    Raises:
        AuditRefused: it is no database.
    """
    if not table.source.audited:
        raise AuditRefused(
            f"{table.name}: its source is of kind {table.source.kind}, and only a database can be compared with the "
            "warehouse: what is elsewhere has to be loaded again to see whether it has changed"
        )


@contextmanager
def open_comparison(table: Table, warehouse: Warehouse, keys: ConnectionProvider, seconds: int) -> Iterator[Comparison]:
    """Open both sides, each on a connection of its own. A statement at the source may take `seconds`.

    Nothing is locked. But whoever reads a table in a transaction has it, as Redshift sees it, until that ends: there, a
    load that wants to commit waits for the audit.

    Raises:
        AuditRefused: the source is no database, or the warehouse's table has lost its cursor.
        SourceError: it cannot be read as the table file says.
    """
    require_database(table)
    ledger = Ledger(warehouse)
    with table.source.open_to_audit(table, keys) as source, warehouse.session() as session:
        described = masked(table, source.columns())
        # what is new at the source, and not in the warehouse, is left out by the recipe, which says so
        target = target_of(table, described)
        recipe = recipe_for(session, warehouse, target, described)
        _require_cursor(session, warehouse, target)
        side = cast(Auditable, source).side(recipe, described, seconds)
        rows = warehouse.table(table.name)
        if not warehouse.exists(session, table.name):
            warehouse.create_staging(session, target, "daybook_absent")
            rows = warehouse.quote("daybook_absent")
        ledger.ensure(session)
        Checksums(warehouse).ensure(session)
        # asked before the warehouse's snapshot: what is committed until then is not among the keys that moved on
        end = ledger.ends(session, [table.name]).get(table.name)
        until = whole_until(table, end)
        all_rows, moves = rows, until is not None and table.strategy.rows_move
        if until and moves:
            rows = _without_later(session, warehouse, source, table, described, target, rows, until)
        warehouse.begin_snapshot(session)
        with session.undone_on_error():
            tally = LoadChecksums(session, warehouse, target, recipe)
            both, with_moved = ComparisonPair(side, tally.side(rows)), tally.side(all_rows) if moves else None
            yield Comparison(
                table, warehouse, session, recipe, both, target, with_moved, end, until, source.snapshot_at
            )


def _require_cursor(session: Session, warehouse: Warehouse, target: Target) -> None:
    """See that the warehouse's rows can be told apart by the cursor, if the table is there."""
    cursor, existing = target.cursor, warehouse.existing_columns(session, target.name)
    if cursor is None or not existing:
        return
    found = existing.get(warehouse.folded(cursor.column))
    if found is None or found.type.kind not in ("date", "timestamp", "timestamptz"):
        now = f"its {cursor.column} is {found.type}" if found else f"it has no column {cursor.column}"
        raise AuditRefused(
            f"{target.name}: {cursor.column}, which is {cursor.type}, says to which interval a row belongs, and in the "
            f"warehouse {now}. Give the column back its type there"
        )


def _without_later(
    session: Session,
    warehouse: Warehouse,
    source: Source,
    table: Table,
    described: list[Column],
    target: Target,
    rows: str,
    until: datetime,
) -> str:
    """What stands behind FROM for `rows` (quoted) without those that have moved on since the last load."""
    found, later = {column.name: column for column in described}, warehouse.quote("daybook_later")
    sent = [as_sent(found[column.name], column) for column in target.columns]
    try:
        chunks = later_keys(source, sent, table, until, READ_BACK)
        keep_keys(session, warehouse, target, "daybook_later", chunks)
    except Exception as error:
        if not meets(error, Condition.TIMED_OUT):
            raise
        raise AuditRefused(
            f"{target.name}: the source took too long to give the keys of the rows since {until:%Y-%m-%d %H:%M} UTC, "
            "when the table was last loaded. Load it first, then compare it"
        ) from None
    return settled_sql(warehouse, target, rows, later)
