"""The transaction of a load: lock, guards, strategy, ledger, commit. Tried again, it finds out whether it is done."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from daybook import guards, overtaken, strategies
from daybook.account import Account
from daybook.errors import DuplicateKey, NullKey
from daybook.extract import Extracted
from daybook.interval import Interval
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
        self._extracted, self._warehouse, self._stage = extracted, warehouse, stage
        self._plan, self._target = extracted.plan, extracted.target
        self._table = warehouse.quote(*extracted.target.name.split(".", 1))
        self._ledger = Ledger(warehouse)
        #: Looked up in the ledger by every further attempt, so that a commit whose answer was lost is seen.
        self._load_id = str(uuid.uuid4())
        self._account = Account(extracted, warehouse, self._ledger, flow_run_id, self._load_id)
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

    def confirm(self) -> Sequence[Entry]:
        """Note in the ledger that the source is still what was loaded last. Returns the entry."""
        with self._warehouse.session() as session:
            self._ledger.ensure(session)
            try:
                session.run("BEGIN")
                session.run(self._warehouse.lock_sql(self._target.name))
                entry = self._account.confirmation(session)
                self._ledger.record(session, [entry])
                session.run("COMMIT")
                return [entry]
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

    def _counts(self, session: Session, table: str, rows: int) -> dict[Interval, int]:
        """Rows an interval of the plan; nothing for a whole table."""
        if self._plan.whole:
            return {}
        counts = guards.counts_in(session, self._warehouse, self._target, table, self._plan.intervals)
        beside = guards.counts_in(session, self._warehouse, self._target, table, self._account.beside()) if rows else {}
        guards.inside(self._target.name, self._plan, rows, sum(counts.values()) + sum(beside.values()))
        return counts

    def _transaction(self, session: Session, staged: "_Staged | None") -> Sequence[Entry]:
        created, kept = self._begin(session), list[Entry]()
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
            staged, kept = self._give_way(session, staged)
            if kept and not staged.counts:
                session.run("ROLLBACK")
                logger.info("%s %s: loaded meanwhile, from a newer snapshot", self._target.name, self._plan.label)
                return kept
            self._apply(session, staged)
        if created:
            self._create_keys(session)
        guards.checks_hold(session, self._warehouse, self._plan)
        entries = self._account.entries(session, staged.counts, staged.rows)
        self._ledger.record(session, entries)
        session.run("COMMIT")
        return sorted([*kept, *entries], key=lambda entry: entry.end)

    def _give_way(self, session: Session, staged: "_Staged") -> "tuple[_Staged, list[Entry]]":
        """What is left of the staged rows beside newer ones, and the entries of those that have taken their place."""
        newer = overtaken.newer_entries(self._ledger, session, self._extracted)
        if self._plan.whole:
            refresh = overtaken.whole(self._plan, newer)
            return staged, [refresh] if refresh else []
        taken = overtaken.speaking(self._plan, newer)
        left = [interval for interval in staged.counts if interval not in taken]
        if newer and left:
            args = (session, self._warehouse, self._target)
            overtaken.give_way(*args, self._table, staged.table, newer)
            counts = guards.counts_in(*args, staged.table, self._plan.intervals)
            staged = _Staged(staged.table, session.one(f"SELECT count(*) FROM {staged.table}"), counts)
        return replace(staged, counts={interval: staged.counts[interval] for interval in left}), list(taken.values())

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
        guards.not_shrunk(session, self._warehouse, self._target, plan, staged.rows, staged.counts, entries)
        if plan.strategy == "replace":
            strategies.replace(*args)
        elif plan.strategy == "upsert":
            strategies.upsert(*args)
        else:
            strategies.replace_interval(*args, list(staged.counts))


@dataclass(frozen=True, slots=True)
class _Staged:
    """Where the rows are, how many they are, and how many of them lie in each interval that is to be loaded."""

    table: str
    rows: int
    counts: dict[Interval, int]
