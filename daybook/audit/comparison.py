"""Open both sides of a table for an audit: the source in one snapshot, the ledger and the warehouse in another."""

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
from daybook.load.extraction.moved_rows import READ_BACK, keep_keys, later_keys, settled_sql, whole_until
from daybook.load.extraction.target_shape import as_sent, target_of
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

#: The largest expected difference between the clocks of a worker and a source.
_CLOCKS = timedelta(hours=1)


@dataclass(frozen=True)
class Comparison:
    """Both sides of a table, opened for a comparison."""

    table: Table
    warehouse: Warehouse
    session: Session
    recipe: ComparedColumns
    both: ComparisonPair
    target: Target
    with_moved: ComparisonSide | None
    """The warehouse's side including rows that moved since they were loaded. None: rows of this table do not move."""
    end: Coverage | None
    """The coverage in the ledger before the rows were read. None: the table was never loaded."""
    until: datetime | None
    """The end of the newest interval that was loaded whole. None: it has no intervals, or was never loaded."""
    snapshot_at: datetime
    """The time of the source's snapshot."""

    def entries(self, span: Interval) -> list[Entry]:
        """Return the newest ledger entries of the intervals that overlap `span`, oldest entry first."""
        return Ledger(self.warehouse).newest(self.session, self.table.name, span)

    def entries_per_interval(self, pairs: Sequence[tuple[Interval, Entry | None]]) -> list[Entry | None]:
        """Return the ledger entry of each interval, narrowed to it if a full refresh recorded its checksum."""
        return Checksums(self.warehouse).entries_per_interval(self.session, self.table.name, pairs)

    def concurrent_loads(self) -> list[Entry]:
        """Return the entries of loads that committed while both sides were read, or that have a newer source snapshot.

        It ends the warehouse's snapshot: call it last.
        """
        self.session.run("ROLLBACK")
        last = self.end.loaded_at if self.end else datetime.min.replace(tzinfo=self.snapshot_at.tzinfo)
        since = min(last, self.snapshot_at - _CLOCKS) if self.end else last
        later = Ledger(self.warehouse).since(self.session, self.table.name, since)
        return [entry for entry in later if entry.loaded_at > last or entry.snapshot_at > self.snapshot_at]


def require_database(table: Table) -> None:
    """Check that the source is a database.

    Raises:
        AuditRefused: the source is not a database.
    """
    if not table.source.audited:
        raise AuditRefused(
            f"{table.name}: its source is of kind {table.source.kind}, but only a database can be compared with the "
            "warehouse. To pick up changes in this source, load the table again"
        )


@contextmanager
def open_comparison(table: Table, warehouse: Warehouse, keys: ConnectionProvider, seconds: int) -> Iterator[Comparison]:
    """Open both sides, each on its own connection. `seconds` is the time limit of a statement in the source.

    The audit takes no explicit locks, and loads go on during it. But a change of the table's columns waits for its end.

    Raises:
        AuditRefused: the source is not a database, or the warehouse's table has no usable cursor.
        SourceError: the source does not match the table file.
    """
    require_database(table)
    ledger = Ledger(warehouse)
    with table.source.open_to_audit(table, keys) as source, warehouse.session() as session:
        described = masked(table, source.columns())
        # The recipe leaves out columns that the warehouse lacks, and records that.
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
        # Read before the warehouse's snapshot: moved rows are those that are later than this coverage.
        end = ledger.ends(session, [table.name]).get(table.name)
        until = whole_until(table, end)
        all_rows, moves = rows, until is not None and table.strategy.rows_move
        if until and moves:
            rows = _without_later(session, warehouse, source, table, described, target, rows, until)
        warehouse.begin_snapshot(session, all_rows)
        with session.undone_on_error():
            checksums = LoadChecksums(session, warehouse, target, recipe)
            both, with_moved = ComparisonPair(side, checksums.side(rows)), checksums.side(all_rows) if moves else None
            yield Comparison(
                table, warehouse, session, recipe, both, target, with_moved, end, until, source.snapshot_at
            )


def _require_cursor(session: Session, warehouse: Warehouse, target: Target) -> None:
    """Check that the cursor can divide the warehouse's rows into intervals, if the table exists."""
    cursor, existing = target.cursor, warehouse.existing_columns(session, target.name)
    if cursor is None or not existing:
        return
    found = existing.get(warehouse.folded(cursor.column))
    if found is None or found.type.kind not in ("date", "timestamp", "timestamptz"):
        problem = f"its {cursor.column} is {found.type}" if found else f"it has no column {cursor.column}"
        raise AuditRefused(
            f"{target.name}: the cursor {cursor.column} ({cursor.type}) gives the interval of each row, but in the "
            f"warehouse {problem}. Restore the column and its type there"
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
    """Return a FROM item for `rows` (quoted), without the rows that have moved since the last load."""
    found, later = {column.name: column for column in described}, warehouse.quote("daybook_later")
    sent = [as_sent(found[column.name], column) for column in target.columns]
    try:
        chunks = later_keys(source, sent, table, until, READ_BACK)
        keep_keys(session, warehouse, target, "daybook_later", chunks)
    except Exception as error:
        if not meets(error, Condition.TIMED_OUT):
            raise
        raise AuditRefused(
            f"{target.name}: the source took too long to return the keys of the rows since {until:%Y-%m-%d %H:%M} UTC, "
            "the end of the newest loaded interval. Load the table first, then compare it"
        ) from None
    return settled_sql(warehouse, target, rows, later)
