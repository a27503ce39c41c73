"""Staging: copy the rows of a load from the stage into temporary tables of the warehouse, count and check them."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from daybook.errors import NullKey
from daybook.load import guards, staged_sql
from daybook.load.checksums import LoadChecksums
from daybook.load.extraction.extract import Extracted
from daybook.load.extraction.moved_rows import keys_only
from daybook.load.full_refresh.refresh_checksums import RefreshChecksums
from daybook.load.inexact_keys import guard_inexact_keys
from daybook.load.planning.plan import intervals_within
from daybook.load.staged import Staged
from daybook.model.interval import Interval
from daybook.sql.checksum.row_fingerprint import RowFingerprint
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.stage.base import Stage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)


class Staging:
    """Copies the extracted rows into the warehouse.

    `neighbours` are the earlier intervals whose changed rows the load includes.
    """

    def __init__(
        self, extracted: Extracted, warehouse: Warehouse, stage: Stage, neighbours: Sequence[Interval]
    ) -> None:
        self._extracted, self._warehouse, self._stage, self._neighbours = extracted, warehouse, stage, neighbours
        self._plan, self._target = extracted.plan, extracted.target
        self._fingerprint: RowFingerprint | None = None

    def stage_rows(self, session: Session, tally: LoadChecksums) -> Staged:
        """Fill the staging table and check it, before the load takes any lock.

        Raises:
            RowCountMismatch, NullKey, DuplicateKey, OutsideInterval: a guard failed.
            DaybookError: COPY failed, and the warehouse can explain it: `Warehouse.explain`.
        """
        warehouse, target = self._warehouse, self._target
        name = warehouse.quote("daybook_staging")
        warehouse.create_staging(session, target, "daybook_staging")
        rows, manifest = self._copy(session, name), self._extracted.manifest
        expected = rows if manifest.in_place else manifest.rows  # there is no row count of files that are read in place
        counted, without_key = guards.counted(session, warehouse, target, name)
        guards.guard_row_count(target.name, expected, rows, counted)
        guards.guard_key_not_null(target, without_key)
        remains = not self._plan.whole and warehouse.exists(session, target.name)
        guard_inexact_keys(session, warehouse, target, name, warehouse.table(target.name) if remains else None)
        if self._plan.table.strategy.keeps_newest_of_key:
            shared = guards.duplicates(session, warehouse, target, name)
            if shared:
                newest = warehouse.quote("daybook_newest")
                staged_sql.keep_newest(session, warehouse, target, name, newest)
                left = session.one(f"SELECT count(*) FROM {newest}")
                logger.warning(
                    "%s: rows share a key, and the newest is loaded: %s; %d of %d rows remain",
                    target.name,
                    "; ".join(shared),
                    left,
                    rows,
                )
                name, rows = newest, left
        if self._plan.whole:
            return self._stage_all(session, tally, Staged(name, rows, {}))
        staged = self._with_checksums(tally, name, rows)
        staged = replace(staged, ranges=warehouse.ranges(session, target, name) if remains else {})
        if target.deleted:
            staged = self._split_deleted(session, staged)
            staged = replace(staged, sums=tally.sums(staged.table, self._plan.intervals))
        if not self._plan.table.strategy.keeps_newest_of_key:
            guards.guard_key_unique(session, warehouse, target, name)
        return replace(staged, later=self._stage_moved_keys(session))

    def _stage_all(self, session: Session, tally: LoadChecksums, staged: Staged) -> Staged:
        """Return the rows of a full refresh without those that are deleted at the source, and check their key.

        If an index can do that, the rows have no checksums yet: see `RefreshChecksums`.
        """
        if self._target.deleted:
            staged = self._split_deleted(session, staged)
        self._look_up_fingerprint(session)
        if self._index_key(session, staged.table):
            return replace(staged, indexed=True)
        guards.guard_key_unique(session, self._warehouse, self._target, staged.table)
        return self._whole(tally, staged)

    def _index_key(self, session: Session, staged: str) -> bool:
        warehouse, target = self._warehouse, self._target
        if not target.key or not warehouse.exists(session, target.name):
            return False
        try:
            return warehouse.index_staged_key(session, target, staged)
        except DatabaseError as error:
            if meets(error, Condition.BROKEN_RULE):
                return False  # the guard of unique keys names them
            raise

    def _split_deleted(self, session: Session, staged: Staged) -> Staged:
        """Move the rows that are deleted at the source into their own table. Return the remaining rows."""
        deleted, table = self._warehouse.quote("daybook_deleted"), staged.table
        staged_sql.split_deleted(session, self._warehouse, self._target, table, deleted)
        rows = session.one(f"SELECT count(*) FROM {table}")
        return replace(staged, rows=rows, deleted=deleted, deleted_rows=staged.rows - rows)

    def _stage_moved_keys(self, session: Session) -> str | None:
        """Copy the keys of rows that have moved to later intervals into their own table. Return its quoted name."""
        manifest, target = self._extracted.later, keys_only(self._target)
        if manifest is None:
            return None
        self._warehouse.create_staging(session, target, "daybook_later")
        name = self._warehouse.quote("daybook_later")
        self._warehouse.copy(session, name, target, self._stage, manifest)
        return name

    def copy_into_new_table(self, session: Session, tally: LoadChecksums, table: str) -> Staged:
        """Copy the rows directly into `table` (quoted), which this transaction created and nobody else sees yet."""
        rows = self._copy(session, table)
        guards.guard_row_count(self._target.name, self._extracted.manifest.rows, rows, rows)
        return Staged(table, rows, {}) if self._plan.whole else self._with_checksums(tally, table, rows)

    def with_keys(self, session: Session, tally: LoadChecksums, staged: Staged) -> Staged:
        """Return the rows with their checksums after the new table has got its keys.

        The checksums of a full refresh are computed here, because an index finds the intervals without rows.
        """
        if not self._plan.whole or staged.table != self._warehouse.table(self._target.name):
            return staged
        self._look_up_fingerprint(session)
        return self._whole(tally, staged)

    def _copy(self, session: Session, into: str) -> int:
        manifest = self._extracted.manifest
        try:
            return self._warehouse.copy(session, into, self._target, self._stage, manifest)
        except DatabaseError as error:
            if meets(error, Condition.NULL_VIOLATION):
                raise NullKey(
                    f"{self._target.name}: a row has no key: {error.column} is NULL. Give it a key at the source, or "
                    "correct key: in the table file"
                ) from None
            explained = self._warehouse.explain(error, self._target, self._stage, manifest)
            if explained is not None:
                raise explained from None
            raise

    def _with_checksums(self, tally: LoadChecksums, table: str, rows: int) -> Staged:
        """Return the `rows` rows of `table` with the checksum of each interval."""
        sums = tally.sums(table, self._plan.intervals)
        neighbours = tally.counts(table, self._neighbours) if rows else {}
        counted = sum(found.rows for found in sums.values()) + sum(neighbours.values())
        guards.guard_interval(self._target.name, self._plan, rows, counted)
        return Staged(table, rows, sums)

    def checksums(self, tally: LoadChecksums) -> RefreshChecksums:
        """Return the checksums of a full refresh."""
        intervals = intervals_within(self._plan, self._extracted.snapshot_at)
        has_intervals = self._plan.table.strategy.has_intervals
        return RefreshChecksums(
            tally, intervals if has_intervals else None, self._fingerprint if tally.recipe else None
        )

    def _look_up_fingerprint(self, session: Session) -> None:
        """Ask for the warehouse's quick hash of a row, if the table exists."""
        self._fingerprint = self._warehouse.row_fingerprint(session, self._target)

    def _whole(self, tally: LoadChecksums, staged: Staged) -> Staged:
        """Return the rows of a full refresh with their checksums."""
        return self.checksums(tally).of(staged, staged.table, {})
