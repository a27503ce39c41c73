"""Build a summary: check its inputs, fill a build table, check that table, and swap it in.

If any step fails, readers keep the last good build.
"""

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daybook.definitions.summary import Summary
from daybook.errors import BuildFailed, DaybookError, WarehouseLost
from daybook.ledger.ledger import Entry, Ledger
from daybook.ledger.moves import MovedInterval, Moves
from daybook.load.check_runner import Result, warnings_of
from daybook.load.reclaim import reclaim
from daybook.model.interval import Interval, coalesce
from daybook.sql.database_error import DatabaseError, is_transient
from daybook.sql.retries import with_retries
from daybook.strategies.registry import EXACT_INTERVALS, WHOLE_TABLE
from daybook.summaries.builder import swap, verify
from daybook.summaries.builder.build_inputs import Inputs
from daybook.summaries.builder.build_table import BuildTable, remove_leftovers
from daybook.summaries.builder.refusals import refused
from daybook.summaries.builder.select import SummaryQuery
from daybook.summaries.builder.staleness import BuildScope, find_stale, version_of
from daybook.summaries.parse.lineage import Lineage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.lock_waits import retry_while_locked
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

_RANGES_SHOWN = 3  # ranges of intervals in a label


@dataclass(frozen=True, slots=True)
class Built:
    """The outcome of one build: its ledger entries, its number of rows, and the seconds of each step."""

    table: str
    label: str
    why: str
    entries: tuple[Entry, ...] = ()
    rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    checks: tuple[Result, ...] = ()
    """The results of the input checks, then those of the output checks."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the messages of the checks of severity `warn` that failed."""
        return warnings_of(self.checks)

    @property
    def built(self) -> bool:
        """Return True if something was built, and False if nothing was stale."""
        return bool(self.entries)


def build(
    summary: Summary,
    lineage: Lineage,
    warehouse: Warehouse,
    *,
    full_refresh: bool = False,
    flow_run_id: str | None = None,
) -> Built:
    """Build the stale part of a summary: all of it, the intervals whose inputs have changed, or nothing.

    Lost connections, deadlocks and conflicts with another build are retried.

    Args:
        summary: the summary.
        lineage: its parsed SELECT and its inputs.
        warehouse: the warehouse to build in.
        full_refresh: build all of it, even if nothing is stale.
        flow_run_id: the flow run to record in the ledger.

    Raises:
        CheckFailed, DuplicateKey, NullKey, EmptyBuild: the build breaks a rule of the file. Readers keep the last good
            build, and the new one is kept as a table that the error names.
        BuildFailed: the SELECT failed, or another build was committed first on every attempt.
        SchemaMismatch: a view blocks a change of the columns, or the summary's name is a view.
        TableFileError: the file and the SELECT do not match.
        TableLocked: other sessions used the summary on every attempt of the swap.
        WarehouseLost: the warehouse could not be reached on any attempt.
    """
    work = _Build(summary, lineage, warehouse, full_refresh, flow_run_id)
    try:
        return with_retries(
            work.run,
            what=f"{summary.name}: build",
            failed=BuildFailed,
            lost=WarehouseLost,
            when=lambda error: isinstance(error, swap.Overtaken) or is_transient(error),
        )
    except swap.Overtaken as error:
        raise BuildFailed(f"{summary.name}: {error}, on every attempt. Build it again") from None


class _Build:
    def __init__(
        self, summary: Summary, lineage: Lineage, warehouse: Warehouse, full_refresh: bool, flow_run_id: str | None
    ) -> None:
        self._summary, self._lineage, self._warehouse = summary, lineage, warehouse
        self._full_refresh, self._flow_run_id = full_refresh, flow_run_id
        self._ledger, self._inputs, self._moves = Ledger(warehouse), Inputs(warehouse), Moves(warehouse)
        self._load_id = str(uuid.uuid4())

    def run(self) -> Built:
        """Make one attempt, on its own connection. Return the earlier attempt's result if that was committed."""
        summary = self._summary
        with self._warehouse.session() as session:
            self._ledger.ensure(session)
            self._inputs.ensure(session)
            self._moves.ensure(session)
            done = self._ledger.of_load(session, summary.name, self._load_id)
            if done:
                remove_leftovers(session, summary, self._warehouse)
                return self._built(done, "an earlier attempt was committed, but its response was lost")
            swap.check_name(session, self._warehouse, summary.name)
            need = find_stale(session, self._warehouse, self._lineage, full_refresh=self._full_refresh)
            if not need.whole and not need.intervals:
                return Built(summary.name, "", f"nothing to do: its inputs and SELECT are those of {need.built_at}")
            try:
                return self._build(session, need)
            except DaybookError as error:
                readers = f"Readers still see the build of {need.built_at}" if need.last else "It has no earlier build"
                raise _extended(error, readers) from None

    def _build(self, session: Session, need: BuildScope) -> Built:
        summary, seconds = self._summary, dict[str, float]()
        with _timed(seconds, "input checks"):
            checks = verify.inputs(session, self._warehouse, summary)
        table = BuildTable(summary, self._warehouse, session)

        def swap_once() -> tuple[list[Entry], tuple[Result, ...]]:
            with session.undone_on_error():
                return self._swap(session, need, table, before)

        try:
            with _timed(seconds, "select"):
                table.fill(SummaryQuery(summary, self._lineage.statement, self._warehouse, session), need.intervals)
            before = verify.before(session, self._warehouse, summary)
            with _timed(seconds, "output checks"), table.held():
                verify.key(session, self._warehouse, summary, table)
                if need.whole:
                    args = (session, self._warehouse, summary, table.rows, before)
                    checks += verify.output(*args, stands_for=table.name)
            with _timed(seconds, "swap"):
                locked, what = [summary.name, table.name], f"{summary.name}: swap"
                entries, checked = retry_while_locked(self._warehouse, session, locked, what, swap_once)
        except swap.Overtaken:
            table.drop_unless_used()
            raise
        except (DaybookError, DatabaseError) as error:
            if is_transient(error):
                raise
            failed = error if isinstance(error, DaybookError) else refused(summary.name, error)
            if table.is_there():
                failed = _extended(failed, f"The failed build is kept as {table.name}, until the next good build")
            elif table.made:
                raise swap.Overtaken(f"another build removed {table.name}") from None
            raise failed from None
        remove_leftovers(session, summary, self._warehouse)
        if need.whole:
            reclaim(self._warehouse, summary.name)
        return self._built(entries, need.why, seconds, checks + checked)

    def _swap(
        self, session: Session, need: BuildScope, table: BuildTable, before: verify.Before
    ) -> tuple[list[Entry], tuple[Result, ...]]:
        """Publish the build in one transaction. Return its ledger entries, and the results of the checks in it.

        A build of some intervals runs its output checks here, because the whole table exists only in this transaction.
        """
        summary, warehouse, checks = self._summary, self._warehouse, tuple[Result, ...]()
        moved = set[MovedInterval]()
        exists = warehouse.begin_locked(session, summary.name)
        warehouse.limit_lock_waits(session)  # once it has changed the columns, readers wait for this transaction
        newest = self._ledger.ends(session, [summary.name]).get(summary.name)
        if newest and (need.last is None or newest.loaded_at != need.last.loaded_at):
            raise swap.Overtaken(f"another build was committed at {newest.loaded_at:%H:%M:%S} UTC")
        target, counts = table.target, table.counts(need.intervals)
        if not exists and not need.whole:
            raise swap.Overtaken(f"{summary.name} was dropped during the build")
        if not exists:
            swap.first(session, warehouse, target, table.name)
        elif need.whole:
            swap.whole(session, warehouse, target, table.name, table.rows)
        else:
            assert summary.grid is not None
            args = (session, warehouse, target, table.name, table.rows)
            moved = swap.intervals(*args, need.intervals, summary.grid)
            rows = session.one(f"SELECT count(*) FROM {warehouse.table(summary.name)}")
            checks = verify.output(session, warehouse, summary, rows, before)
        spans: list[tuple[datetime | None, datetime, int]]
        spans = [(interval.start, interval.end, rows) for interval, rows in counts.items()]
        common: dict[str, Any] = {
            "strategy": (WHOLE_TABLE if need.whole else EXACT_INTERVALS).name,
            "flow_run_id": self._flow_run_id,
            "loaded_at": self._ledger.next_moment(session, summary.name),
            "load_id": self._load_id,
            "snapshot_at": table.began,
            "version": version_of(summary),
            "table_id": warehouse.identity(session, summary.name),
        }
        entries = [Entry(summary.name, *span, **common) for span in spans or [(None, need.until, table.rows)]]
        self._ledger.record(session, entries)
        self._inputs.record(session, summary.name, self._load_id, need.seen)
        self._moves.record(session, summary.name, self._load_id, common["loaded_at"], moved)
        if exists:
            table.drop()
        session.run("COMMIT")
        return entries, checks

    def _built(
        self,
        entries: Sequence[Entry],
        why: str,
        seconds: dict[str, float] | None = None,
        checks: tuple[Result, ...] = (),
    ) -> Built:
        name, grid, rows = self._summary.name, self._summary.grid, sum(entry.rows for entry in entries)
        intervals = [Interval(entry.start, entry.end) for entry in entries if entry.start]
        stretches = coalesce(intervals, len(intervals) or 1)
        shown = [grid.stretch_label(stretch[0], stretch[-1]) for stretch in stretches[:_RANGES_SHOWN]] if grid else []
        label = ", ".join([*shown, *(["…"] if len(stretches) > _RANGES_SHOWN else [])]) or "all of it"
        logger.info("%s: built %s (%s), %d rows", name, label, why, rows)
        return Built(name, label, why, tuple(entries), rows, seconds or {}, checks)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[step] = time.monotonic() - began


def _extended(error: DaybookError, more: str) -> DaybookError:
    """Return an error of the same class with `more` at the end of its message.

    `add_note` would not do: Prefect, the summaries' artifact and `SummariesFailed` show only the message.
    """
    return type(error)(f"{error}. {more}").with_traceback(error.__traceback__)
