"""The transaction of a load: lock, guards, strategy, ledger, commit.

A retry first looks in the ledger to find out if an earlier attempt was committed.
"""

import logging
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

from daybook.errors import DuplicateKey
from daybook.ledger.interval_checksums import Checksums
from daybook.ledger.ledger import Entry, Ledger
from daybook.ledger.moves import MovedInterval, Moves
from daybook.ledger.source_columns import SourceColumnHistory
from daybook.ledger.state_table import TABLES_OF_A_LOAD
from daybook.ledger.table_loss import TableState, compare
from daybook.load import concurrent_loads, guards, staged_sql
from daybook.load.check_runner import Result, measure
from daybook.load.checksums import LoadChecksums
from daybook.load.extraction.changed_filter import changed_filter
from daybook.load.extraction.extract import Extracted
from daybook.load.extraction.schema_drift import SchemaDiff
from daybook.load.full_refresh.exchange import refresh
from daybook.load.ledger_entries import LedgerEntries
from daybook.load.moved_intervals import MovedIntervals
from daybook.load.row_tally import RowTally
from daybook.load.staged import Staged
from daybook.load.staging import Staging
from daybook.sql.database_error import Condition, DatabaseError, is_transient, meets
from daybook.stage.base import Stage
from daybook.strategies.staged_rows import StagedRows, not_newer_sql, same_key_sql
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)


class _TableAppeared(Exception):
    """Another load created the missing table. Retry with a lock on it."""


class _NeedsStaging(Exception):
    """The rows cannot be copied directly into the new table, because some share a key. Retry with a staging table."""


def is_retryable(error: BaseException) -> bool:
    """Return True if a retry of the transaction can succeed."""
    return isinstance(error, _TableAppeared | _NeedsStaging) or is_transient(error)


class Transaction:
    """The transaction of one load. Call `run` or `confirm` until it returns or raises an error that no retry fixes."""

    def __init__(self, extracted: Extracted, warehouse: Warehouse, stage: Stage, flow_run_id: str | None) -> None:
        self._extracted, self._warehouse, self._stage = extracted, warehouse, stage
        self._plan, self._target = extracted.plan, extracted.target
        self._table = warehouse.table(extracted.target.name)
        self._ledger, self._memory = Ledger(warehouse), SourceColumnHistory(warehouse)
        self._checksums, self._moves = Checksums(warehouse), Moves(warehouse)
        #: Retries look it up in the ledger, to find a commit whose confirmation was lost with the connection.
        self._load_id = str(uuid.uuid4())
        #: Read before the lock. If the table is replaced in between, the next load finds another identity.
        self._table_id: str | None = None
        #: The results of the checks.
        self.checks: tuple[Result, ...] = ()
        #: The rows that the load left out, and a changed filter, a text each.
        self.notices: tuple[str, ...] = ()
        #: The number of rows that the load inserted. None if it is unknown.
        self.written: int | None = None
        self._entries = LedgerEntries(extracted, warehouse, self._ledger, flow_run_id, self._load_id)
        self._staging = Staging(extracted, warehouse, stage, self._entries.neighbouring_intervals())
        #: With a column for deletions, keys are deduplicated first: only the newest row says if it is deleted.
        self._stage_first = not warehouse.copies_into_new_tables or self._target.deleted is not None

    def run(self) -> Sequence[Entry]:
        """Make one attempt, on a new connection. Return the ledger entries, even if an earlier attempt made them.

        Raises:
            GuardError, ValueRefused, SchemaMismatch, StageError: as in `load`.
            DatabaseError: the warehouse failed in another way.
        """
        with self._warehouse.session() as session:
            self._warehouse.look_up(session, [self._target.name, *TABLES_OF_A_LOAD])
            self._table_id = self._warehouse.identity(session, self._target.name)
            self._ledger.ensure(session)
            self._memory.ensure(session)
            self._checksums.ensure(session)
            self._moves.ensure(session)
            table, described = self._plan.table, self._extracted.described
            SchemaDiff.of(session, self._warehouse, table, described).apply(session, self._target, self._plan.label)
            self._warehouse.check(session, self._target)
            straight = not self._stage_first and not self._warehouse.exists(session, self._target.name)
            tally = LoadChecksums.of_load(session, self._warehouse, table, self._target, described)
            staged = None if straight else self._staging.stage_rows(session, tally)
            with session.undone_on_error():
                return self._transaction(session, staged, tally)

    def confirm(self) -> Sequence[Entry]:
        """Record in the ledger that the source has not changed since the last load. Return the entry.

        If an earlier attempt recorded it, return that entry.
        """
        with self._warehouse.session() as session:
            self._ledger.ensure(session)
            with session.undone_on_error():
                self._warehouse.begin_locked(session, self._target.name)
                entries = self._ledger.of_load(session, self._target.name, self._load_id)
                if not entries:
                    entries = [self._entries.confirmation(session)]
                    self._ledger.record(session, entries)
                session.run("COMMIT")
            return entries

    def _transaction(self, session: Session, staged: Staged | None, tally: LoadChecksums) -> Sequence[Entry]:
        plan, (created, state) = self._plan, self._begin(session)
        kept, loaded = list[Entry](), RowTally(session, self._table, 0 if created else state.rows)
        # A table that has lost rows may have lost them in every interval.
        moved: set[MovedInterval] = {None} if (created or state.loss) and not plan.whole else set()
        done = self._ledger.of_load(session, self._target.name, self._load_id)
        if done:
            session.run("ROLLBACK")
            logger.info("%s: the connection was lost during COMMIT, but the commit succeeded", self._target.name)
            return done
        before = measure(session, self._warehouse, plan.table.checks, self._target.name)
        if staged is None:
            if not created:
                raise _TableAppeared(f"another load created {self._target.name} during this one")
            staged = self._staging.copy_into_new_table(session, tally, self._table)
            loaded.rows = loaded.inserted = staged.rows
        else:
            self.notices = (*self._deleted(staged), *changed_filter(plan, self._ledger, session, state.version))
            for notice in self.notices:
                logger.info("%s", notice)
            staged, kept = self._without_superseded(session, staged, tally)
            if kept and not staged.sums:
                session.run("ROLLBACK")
                logger.info("%s %s: another run has loaded it from a newer snapshot", plan.table.name, plan.label)
                return kept
            moved |= self._moved_intervals(session, staged)
            staged = self._apply(session, staged, tally, loaded)
        if created:
            staged = self._with_keys(session, staged, tally)
            state = replace(state, table_id=self._warehouse.identity(session, self._target.name))
        self.checks = guards.guard_checks(session, self._warehouse, plan, before)
        self.written = loaded.inserted
        entries = self._entries.entries(session, staged, tally, replace(state, rows=loaded.total()))
        # From here on, the transaction only appends to Daybook's own tables: see `Session.apart`.
        columns = self._memory.changed(session, self._target, self._extracted.described)
        self._ledger.record(session, entries)
        if staged.parts and tally.recipe:
            sums = (tally.recipe.fingerprint, staged.parts, staged.fingerprints)
            self._checksums.record(session, self._target.name, self._load_id, *sums)
        noted_at = entries[-1].loaded_at
        self._memory.record(session, self._target.name, columns, noted_at, self._load_id)
        self._moves.record(session, self._target.name, self._load_id, noted_at, moved)
        session.run("COMMIT")
        return sorted([*kept, *entries], key=lambda entry: entry.end)

    def _deleted(self, staged: Staged) -> Iterator[str]:
        """Yield how many rows are not loaded because the source flags them as deleted, if any."""
        plan, count = self._plan, staged.deleted_rows
        if count:
            rows = f"{count:,} row{'s are' if count > 1 else ' is'}"
            yield f"{plan.table.name} {plan.label}: {rows} flagged by {plan.table.deleted} and left out"

    def _without_superseded(self, session: Session, staged: Staged, tally: LoadChecksums) -> tuple[Staged, list[Entry]]:
        """Return the staged rows that no newer snapshot has replaced, and the entries of the loads that replaced them.

        Raises:
            Superseded: the rest of this snapshot does not fit the newer rows.
        """
        newer = concurrent_loads.newer_entries(self._ledger, session, self._extracted)
        if self._plan.whole:
            refresh = concurrent_loads.newer_full_refresh(self._plan, newer)
            return staged, [refresh] if refresh else []
        taken = concurrent_loads.superseded_intervals(self._plan, newer)
        left = [interval for interval in staged.sums if interval not in taken]
        if newer and left and staged.deleted:
            concurrent_loads.refuse_if_newer(self._plan, newer)
        if newer and left:
            args = (session, self._warehouse, self._target)
            concurrent_loads.drop_superseded_rows(*args, self._table, staged.table, newer)
            sums = tally.sums(staged.table, self._plan.intervals)
            staged = replace(staged, rows=session.one(f"SELECT count(*) FROM {staged.table}"), sums=sums)
        return replace(staged, sums={interval: staged.sums[interval] for interval in left}), list(taken.values())

    def _begin(self, session: Session) -> tuple[bool, TableState]:
        """Open the transaction and lock the table, or create it if it is missing.

        Returns:
            True if it was created, and its state before. The state has a loss if earlier ledger entries do not count.
        """
        exists = self._warehouse.begin_locked(session, self._target.name)
        args = (session, self._warehouse, self._target.name, self._plan.table.shrink_limit)
        state = compare(*args, exists=exists, table_id=self._table_id)
        if not guards.forgets_loss(self._plan, state.loss):
            state = replace(state, loss=None)
        if exists:
            return False, state
        try:
            self._warehouse.create(session, self._target)
        except DatabaseError as error:
            if meets(error, Condition.ALREADY_EXISTS, Condition.UNIQUE_VIOLATION):
                raise _TableAppeared(f"another load created {self._target.name} during this one") from error
            raise
        return True, state

    def _with_keys(self, session: Session, staged: Staged, tally: LoadChecksums) -> Staged:
        try:
            self._warehouse.create_keys(session, self._target)
        except DuplicateKey as error:
            if self._stage_first or not self._plan.table.strategy.keeps_newest_of_key:
                raise
            self._stage_first = True
            raise _NeedsStaging(str(error)) from error
        return self._staging.with_keys(session, tally, staged)

    def _moved_intervals(self, session: Session, staged: Staged) -> set[MovedInterval]:
        """Return the intervals whose rows this load changes besides its own. Call it before the table changes."""
        plan, warehouse, target, grid = self._plan, self._warehouse, self._target, self._plan.table.grid
        if plan.whole or grid is None or not target.key:
            return set()
        moved = MovedIntervals(warehouse, target, grid, list(staged.sums))
        if staged.rows and (plan.strategy.removes_rows or plan.strategy.rows_move):
            newest = plan.strategy.keeps_newest_of_key
            same_key = same_key_sql(warehouse, target, self._table, staged.table, staged.ranges)
            not_newer = not_newer_sql(warehouse, target, staged.table, staged.ranges)
            moved.lost(staged.table, not_newer if newest else same_key)
        if staged.rows and self._entries.neighbouring_intervals():
            moved.gained(staged.table)
        if staged.deleted:
            moved.lost(staged.deleted, not_newer_sql(warehouse, target, staged.deleted, staged.ranges))
        return moved.find(session)

    def _apply(self, session: Session, staged: Staged, tally: LoadChecksums, loaded: RowTally) -> Staged:
        """Change the table. Return the staged rows with all checksums."""
        plan, warehouse, target = self._plan, self._warehouse, self._target
        entries = self._ledger.newest(session, target.name, plan.range)
        guards.guard_shrink(session, warehouse, target, plan, staged, tally, entries)
        if staged.deleted and not plan.whole:
            removed = staged_sql.remove_deleted(loaded, warehouse, target, staged.deleted, staged.ranges)
            guards.guard_deletions(session, plan, self._table, removed)
        args = (staged.table, staged.rows, list(staged.sums), staged.later, staged.ranges)
        rows = StagedRows(loaded, warehouse, target, *args)
        if not staged.indexed:
            plan.strategy.apply(rows)
            return staged
        recorded = self._checksums.of_last_refresh(session, target.name, entries)
        return refresh(plan.strategy, rows, staged, self._staging.checksums(tally), recorded)
