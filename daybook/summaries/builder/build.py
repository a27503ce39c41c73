"""The build of a summary: input checks, a table under a temporary name, its checks, and then all at once for readers.

Whatever goes wrong, and wherever, readers keep the last good build.
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
from daybook.load.check_runner import Result, warnings_of
from daybook.model.interval import Interval, coalesce
from daybook.sql.database_error import Condition, DatabaseError, is_transient
from daybook.sql.retries import with_retries
from daybook.strategies.registry import EXACT_INTERVALS, WHOLE_TABLE
from daybook.summaries.builder import swap, verify
from daybook.summaries.builder.build_inputs import Inputs
from daybook.summaries.builder.build_table import BuildTable, remove_leftovers
from daybook.summaries.builder.select import SummaryQuery
from daybook.summaries.builder.staleness import BuildScope, find_stale, version_of
from daybook.summaries.parse.lineage import Lineage
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

#: What to do, by what the database refused.
_REMEDIES = {
    Condition.BROKEN_RULE: ". Somebody gave the table a rule, by hand, that these rows break: fix the rows, or drop it",
    Condition.NO_PRIVILEGE: (
        ". Let the owner grant that to the user of the warehouse's block, or give the table to that user"
    ),
}
_RANGES_SHOWN = 3  # ranges of intervals in a label


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a summary: the ledger's entries, its rows, and the seconds of each leg."""

    table: str
    label: str
    why: str
    entries: tuple[Entry, ...] = ()
    rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    checks: tuple[Result, ...] = ()
    """What each check found: those of the inputs, then those of what was built."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the checks of severity `warn` found, where it was not as expected."""
        return warnings_of(self.checks)

    @property
    def built(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.entries)


def build(
    summary: Summary,
    lineage: Lineage,
    warehouse: Warehouse,
    *,
    full_refresh: bool = False,
    flow_run_id: str | None = None,
) -> Built:
    """Build what of a summary has to be built: all of it, the intervals whose inputs have changed, or nothing.

    `full_refresh` builds all of it in any case. Lost connections, deadlocks and other builds that come in between are
    tried again.

    Raises:
        CheckFailed, DuplicateKey, NullKey, EmptyBuild: what would be seen is not as the file says; readers keep the
            last build, and the new one is kept under the name that the error gives.
        BuildFailed: the SELECT failed. SchemaMismatch: a view stands in the way of a change of columns.
        TableFileError: the file and the SELECT do not fit each other. WarehouseLost: see there.
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
        raise BuildFailed(f"{summary.name}: {error}, each time that it was tried. Build it again") from None


class _Build:
    def __init__(
        self, summary: Summary, lineage: Lineage, warehouse: Warehouse, full_refresh: bool, flow_run_id: str | None
    ) -> None:
        self._summary, self._lineage, self._warehouse = summary, lineage, warehouse
        self._full_refresh, self._flow_run_id = full_refresh, flow_run_id
        self._ledger, self._inputs = Ledger(warehouse), Inputs(warehouse)
        self._load_id = str(uuid.uuid4())

    def run(self) -> Built:
        """One try, on a connection of its own; it finds out whether an earlier one was committed after all."""
        summary = self._summary
        with self._warehouse.session() as session:
            self._ledger.ensure(session)
            self._inputs.ensure(session)
            done = self._ledger.of_load(session, summary.name, self._load_id)
            if done:
                remove_leftovers(session, summary, self._warehouse)
                return self._built(done, "the commit whose answer was lost had succeeded")
            swap.check_name(session, self._warehouse, summary.name)
            need = find_stale(session, self._warehouse, self._lineage, full_refresh=self._full_refresh)
            if not need.whole and not need.intervals:
                return Built(summary.name, "", f"nothing to do: all that it reads is as it was at {_moment(need)}")
            try:
                return self._build(session, need)
            except DaybookError as error:
                seen = f"Readers still see the build of {_moment(need)}" if need.last else "Nobody saw it yet"
                raise _extended(error, seen) from None

    def _build(self, session: Session, need: BuildScope) -> Built:
        summary, seconds = self._summary, dict[str, float]()
        with _timed(seconds, "input checks"):
            checks = verify.inputs(session, self._warehouse, summary)
        table = BuildTable(summary, self._warehouse, session)
        try:
            with _timed(seconds, "select"):
                table.fill(SummaryQuery(summary, self._lineage.statement, self._warehouse, session), need.intervals)
            before = verify.before(session, self._warehouse, summary)
            with _timed(seconds, "output checks"), table.held():
                verify.key(session, self._warehouse, summary, table)
                if need.whole:
                    args = (session, self._warehouse, summary, table.rows, before)
                    checks += verify.output(*args, stands_for=table.name)
            with _timed(seconds, "swap"), session.undone_on_error():
                entries, checked = self._swap(session, need, table, before)
        except swap.Overtaken:
            table.drop()
            raise
        except (DaybookError, DatabaseError) as error:
            if is_transient(error):
                raise
            failed = error if isinstance(error, DaybookError) else self._refused(error)
            if table.is_there():
                failed = _extended(failed, f"What was built is kept as {table.name}, until the next good build")
            elif table.made:
                raise swap.Overtaken(f"another build has removed {table.name}") from None
            raise failed from None
        remove_leftovers(session, summary, self._warehouse)
        return self._built(entries, need.why, seconds, checks + checked)

    def _swap(
        self, session: Session, need: BuildScope, table: BuildTable, before: verify.Before
    ) -> tuple[list[Entry], tuple[Result, ...]]:
        """The transaction after which readers see the build. Returns its entries, and what the checks in it found.

        Of a build of some intervals, all that readers would see is first there to be checked within it.
        """
        summary, warehouse, checks = self._summary, self._warehouse, tuple[Result, ...]()
        there = warehouse.begin_locked(session, summary.name)
        newest = self._ledger.ends(session, [summary.name]).get(summary.name)
        if newest and (need.last is None or newest.loaded_at != need.last.loaded_at):
            raise swap.Overtaken(f"another build was committed at {newest.loaded_at:%H:%M:%S} UTC")
        target, counts = table.target, table.counts(need.intervals)
        if not there and not need.whole:
            raise swap.Overtaken(f"somebody has dropped {summary.name}")
        if not there:
            swap.first(session, warehouse, target, table.name)
        elif need.whole:
            swap.whole(session, warehouse, target, table.name, table.rows)
        else:
            swap.intervals(session, warehouse, target, table.name, table.rows, need.intervals)
            rows = session.one(f"SELECT count(*) FROM {warehouse.table(summary.name)}")
            checks = verify.output(session, warehouse, summary, rows, before)
        spans: list[tuple[datetime | None, datetime, int]]
        spans = [(interval.start, interval.end, rows) for interval, rows in counts.items()]
        told: dict[str, Any] = {
            "strategy": (WHOLE_TABLE if need.whole else EXACT_INTERVALS).name,
            "flow_run_id": self._flow_run_id,
            "loaded_at": self._ledger.next_moment(session, summary.name),
            "load_id": self._load_id,
            "snapshot_at": table.began,
            "version": version_of(summary),
        }
        entries = [Entry(summary.name, *span, **told) for span in spans or [(None, need.until, table.rows)]]
        self._ledger.record(session, entries)
        self._inputs.record(session, summary.name, self._load_id, need.seen)
        if there:
            table.drop()
        session.run("COMMIT")
        return entries, checks

    def _refused(self, error: DatabaseError) -> BuildFailed:
        """Return the error for what the database says of a build in which no check found anything wrong."""
        remedy = next((text for condition, text in _REMEDIES.items() if condition in error.conditions), "")
        return BuildFailed(f"{self._summary.name}: {error.message}{remedy}")

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
        told = [grid.stretch_label(stretch[0], stretch[-1]) for stretch in stretches[:_RANGES_SHOWN]] if grid else []
        label = ", ".join([*told, *(["…"] if len(stretches) > _RANGES_SHOWN else [])]) or "all of it"
        logger.info("%s: built %s (%s), %d rows", name, label, why, rows)
        return Built(name, label, why, tuple(entries), rows, seconds or {}, checks)


@contextmanager
def _timed(seconds: dict[str, float], leg: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    seconds[leg] = time.monotonic() - began


def _moment(need: BuildScope) -> str:
    assert need.last is not None
    return f"{need.last.loaded_at:%Y-%m-%d %H:%M:%S} UTC"


def _extended(error: DaybookError, more: str) -> DaybookError:
    """Return an error of the same class whose message says more.

    A note would be lost: Prefect, the page of the summaries and their error show the message alone.
    """
    return type(error)(f"{error}. {more}").with_traceback(error.__traceback__)
