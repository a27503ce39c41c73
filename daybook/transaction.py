"""The transaction of a load: lock, guards, strategy, ledger, commit. Tried again, it finds out whether it is done."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daybook import guards, strategies
from daybook.errors import DuplicateKey, NullKey
from daybook.extract import Extracted
from daybook.ledger import Entry, Ledger
from daybook.stage import Stage
from daybook.transient import is_transient
from daybook.warehouses import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

#: What another load of the same new table, at the same moment, makes of ours: it has created the schema or the table
#: first (unique_violation in the catalogue, duplicate_table, duplicate_schema).
_CREATED_MEANWHILE = {"23505", "42P07", "42P06"}
_NO_SUCH_TABLE = {"42P01", "3F000"}


class _TableAppeared(Exception):
    """The table that was missing has been made by somebody else: try again, with a lock on it."""


class _NeedsStaging(Exception):
    """The rows cannot go straight into the new table, because some of them share a key: choose among them first."""


def passes(error: BaseException) -> bool:
    """Whether another try may get past this failure of a transaction."""
    return isinstance(error, _TableAppeared | _NeedsStaging) or is_transient(error)


class Transaction:
    """One load, tried until its transaction is known to be committed or cannot be."""

    def __init__(self, extracted: Extracted, warehouse: Warehouse, stage: Stage, flow_run_id: str | None) -> None:
        self._extracted, self._warehouse, self._stage, self._flow_run_id = extracted, warehouse, stage, flow_run_id
        self._plan, self._target = extracted.plan, extracted.target
        self._table = warehouse.quote(*extracted.target.name.split(".", 1))
        self._ledger = Ledger(warehouse)
        #: Looked up in the ledger by every further attempt, so that a commit whose answer was lost is seen.
        self._load_id = str(uuid.uuid4())
        self._stage_first = not warehouse.copies_into_new_tables

    def run(self) -> Sequence[Entry]:
        """Try once, on a connection of its own. Returns the ledger's entries, also where an earlier try made them."""
        with self._warehouse.session() as session:
            self._ledger.ensure(session)
            self._warehouse.check(session, self._target)
            straight = not self._stage_first and not self._warehouse.exists(session, self._target.name)
            staged = None if straight else self._fill_staging(session)
            try:
                return self._transaction(session, staged)
            except BaseException:
                session.rollback()
                raise

    def _fill_staging(self, session: Session) -> "_Staged":
        """The staging table, filled and checked before anything is locked."""
        warehouse, target = self._warehouse, self._target
        name = warehouse.quote("daybook_staging")
        warehouse.create_staging(session, target, "daybook_staging")
        rows = self._copy(session, name)
        guards.rows_landed(
            target.name, self._extracted.manifest.rows, rows, session.one(f"SELECT count(*) FROM {name}")
        )
        guards.key_not_null(session, warehouse, target, name)
        if self._plan.table.load == "upsert":
            shared = guards.duplicates(session, warehouse, target, name)
            if shared:
                newest = warehouse.quote("daybook_newest")
                strategies.newest_only(session, warehouse, target, name, newest)
                left = session.one(f"SELECT count(*) FROM {newest}")
                logger.warning(
                    "%s: rows share a key, the newest wins: %s; %d rows became %d",
                    target.name,
                    "; ".join(shared),
                    rows,
                    left,
                )
                name, rows = newest, left
        else:
            guards.key_unique(session, warehouse, target, name)
        return _Staged(name, rows, self._counts(session, name, rows))

    def _copy(self, session: Session, into: str) -> int:
        manifest = self._extracted.manifest
        try:
            return self._warehouse.copy(session, into, self._target, self._stage, manifest)
        except Exception as error:
            diagnosis = getattr(error, "diag", None)
            if getattr(error, "pgcode", None) == "23502" and diagnosis is not None:
                raise NullKey(
                    f"{self._target.name}: a row has no {diagnosis.column_name}, which is its key. Give it one at the "
                    "source, or correct key: in the table file"
                ) from None
            explained = (
                self._warehouse.explain(error, self._target, self._stage, manifest) if diagnosis is not None else None
            )
            if explained is not None:
                raise explained from None
            raise

    def _counts(self, session: Session, table: str, rows: int) -> list[int]:
        """Rows an interval of the plan, or of all of it."""
        if self._plan.whole:
            return [rows]
        counts = guards.rows_by_interval(session, self._warehouse, self._target, table, self._plan.intervals)
        guards.inside(self._target.name, self._plan, rows, sum(counts))
        return counts

    def _transaction(self, session: Session, staged: "_Staged | None") -> Sequence[Entry]:
        created = self._begin(session)
        done = self._ledger.of_load(session, self._target.name, self._load_id)
        if done:
            session.run("ROLLBACK")
            logger.info("%s: the commit whose answer was lost had succeeded", self._target.name)
            return done
        if staged is None:
            if not created:
                raise _TableAppeared(f"{self._target.name} was made by another load meanwhile")
            staged = self._fill_new_table(session)
        else:
            self._apply(session, staged)
        if created:
            self._create_keys(session)
        guards.checks_hold(session, self._warehouse, self._plan)
        entries = self._entries(session, staged.counts)
        self._ledger.record(session, entries)
        session.run("COMMIT")
        return entries

    def _begin(self, session: Session) -> bool:
        """Open the transaction with the lock; where there is no table yet, with making it. Says whether it was made."""
        session.run("BEGIN")
        try:
            session.run(self._warehouse.lock_sql(self._target.name))
            return False
        except session.connection.ProgrammingError as error:
            if error.pgcode not in _NO_SUCH_TABLE:
                raise
        session.run("ROLLBACK")
        session.run("BEGIN")
        try:
            self._warehouse.create(session, self._target)
        except session.connection.Error as error:
            if error.pgcode in _CREATED_MEANWHILE:
                raise _TableAppeared(f"{self._target.name} was made by another load meanwhile") from error
            raise
        return True

    def _fill_new_table(self, session: Session) -> "_Staged":
        """Rows straight into the table that this transaction has made: nobody sees it before the commit."""
        rows = self._copy(session, self._table)
        guards.rows_landed(self._target.name, self._extracted.manifest.rows, rows, rows)
        return _Staged(self._table, rows, self._counts(session, self._table, rows))

    def _create_keys(self, session: Session) -> None:
        try:
            self._warehouse.create_keys(session, self._target)
        except DuplicateKey as error:
            if self._stage_first or self._plan.table.load != "upsert":
                raise
            self._stage_first = True
            raise _NeedsStaging(str(error)) from error

    def _apply(self, session: Session, staged: "_Staged") -> None:
        plan, args = self._plan, (session, self._warehouse, self._target, staged.table, staged.rows)
        entries = self._ledger.newest(session, self._target.name, plan.stretch)
        guards.not_shrunk(session, self._warehouse, self._target, plan, staged.counts, entries)
        if plan.strategy == "replace":
            strategies.replace(*args)
        elif plan.strategy == "upsert":
            strategies.upsert(*args)
        else:
            assert plan.stretch is not None
            strategies.replace_interval(*args, plan.stretch)

    def _entries(self, session: Session, counts: Sequence[int]) -> list[Entry]:
        plan, moment = self._plan, self._ledger.next_moment(session, self._target.name)
        stretches: list[tuple[datetime | None, datetime]] = [(i.start, i.end) for i in plan.intervals]
        if plan.whole:
            stretches = [(plan.start, self._extracted.snapshot_at)]
        return [
            Entry(self._target.name, start, end, rows, plan.strategy, self._flow_run_id, moment, self._load_id)
            for (start, end), rows in zip(stretches, counts, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Staged:
    """Where the rows are, how many they are, and how many of them lie in each interval of the plan."""

    table: str
    rows: int
    counts: list[int]
