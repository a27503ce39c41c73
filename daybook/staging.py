"""The rows of a load in the warehouse, before they are the table: copied from the stage, counted and checked."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from daybook import guards, strategies
from daybook.errors import NullKey
from daybook.extract import Extracted
from daybook.interval import Interval
from daybook.stage import Stage
from daybook.warehouses import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the rows are, how many they are, and how many of them lie in each interval that is to be loaded.

    `deleted` is where those are that were flagged as deleted, which are not among them.
    """

    table: str
    rows: int
    counts: dict[Interval, int]
    deleted: str | None = None


class Staging:
    """Brings what was extracted into the warehouse. `beside` are intervals of which rows may be taken along."""

    def __init__(self, extracted: Extracted, warehouse: Warehouse, stage: Stage, beside: Sequence[Interval]) -> None:
        self._extracted, self._warehouse, self._stage, self._beside = extracted, warehouse, stage, beside
        self._plan, self._target = extracted.plan, extracted.target

    def fill(self, session: Session) -> Staged:
        """The staging table, filled and checked before anything is locked."""
        warehouse, target = self._warehouse, self._target
        name = warehouse.quote("daybook_staging")
        warehouse.create_staging(session, target, "daybook_staging")
        rows, manifest = self._copy(session, name), self._extracted.manifest
        said = rows if manifest.in_place else manifest.rows  # nobody has counted the source's own files
        guards.rows_landed(target.name, said, rows, session.one(f"SELECT count(*) FROM {name}"))
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
        staged = Staged(name, rows, self._counts(session, name, rows))
        if target.deleted:
            staged = self._set_apart(session, staged)
        if self._plan.table.load != "upsert":
            guards.key_unique(session, warehouse, target, name)
        return staged

    def _set_apart(self, session: Session, staged: Staged) -> Staged:
        """What is staged without the rows that are deleted at the source, which have a table of their own then."""
        deleted, plan = self._warehouse.quote("daybook_deleted"), self._plan
        strategies.set_apart(session, self._warehouse, self._target, staged.table, deleted)
        rows = session.one(f"SELECT count(*) FROM {staged.table}")
        args = (session, self._warehouse, self._target, staged.table, plan.intervals)
        return Staged(staged.table, rows, {} if plan.whole else guards.counts_in(*args), deleted)

    def fill_new_table(self, session: Session, table: str) -> Staged:
        """Rows straight into `table` (quoted), which this transaction has made: nobody sees it before the commit."""
        rows = self._copy(session, table)
        guards.rows_landed(self._target.name, self._extracted.manifest.rows, rows, rows)
        return Staged(table, rows, self._counts(session, table, rows))

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
        beside = guards.counts_in(session, self._warehouse, self._target, table, self._beside) if rows else {}
        guards.inside(self._target.name, self._plan, rows, sum(counts.values()) + sum(beside.values()))
        return counts
