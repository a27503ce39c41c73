"""The loop of a backfill: start runs a few at a time, settle those that have ended, show how it stands."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from daybook.backfill.queue import BisectingQueue, Order, arrange
from daybook.definitions.table import Table
from daybook.errors import BackfillIncomplete, BackfillRefused, DaybookError, SourceIncomplete
from daybook.ledger.interval_status import IntervalStatus, read_statuses
from daybook.model.interval import Interval, IntervalRun, coalesce
from daybook.orchestration.artifacts.backfill_progress import CalendarPage
from daybook.orchestration.backfill.child_runs import ChildRuns
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.deployments import LoadingDeployment
from daybook.orchestration.failure_reason import parse_failure_message
from daybook.orchestration.flow_options import retry_options

logger = logging.getLogger("daybook.backfill")

_POLL = 0.5  # seconds between two looks at the runs
_TOLD = 20  # failures in the error
_CRASHES = 1  # times that a run which was lost with its worker is started again as it was


@dataclass(frozen=True)
class Options:
    """How a range is filled; see the parameters of `flows.backfill`."""

    order: Order = "ascending"
    max_active_runs: int = 1
    intervals_per_run: int = 500
    depends_on_past: bool = False

    def checked(self, limit: int | None) -> "Options":
        """The same with no more active runs than depends_on_past and the deployment's concurrency limit allow.

        Raises:
            BackfillRefused: depends_on_past with another order than ascending.
        """
        if self.depends_on_past and self.order != "ascending":
            raise BackfillRefused(
                f"depends_on_past goes from the oldest interval on, and order is {self.order}: use ascending"
            )
        allowed = 1 if self.depends_on_past else limit or self.max_active_runs
        if self.max_active_runs > allowed:
            why = "depends_on_past" if self.depends_on_past else "the deployment's concurrency limit"
            logger.info("max_active_runs is %d, and %s allows %d", self.max_active_runs, why, allowed)
        return replace(self, max_active_runs=min(self.max_active_runs, allowed))


@dataclass
class BackfillResult:
    """What came of it: the intervals that are loaded now, those that failed with the reason, those not tried."""

    loaded: list[Interval] = field(default_factory=list)
    failed: dict[Interval, str] = field(default_factory=dict)
    held_back: list[Interval] = field(default_factory=list)
    runs: int = 0

    def checked(self, table: Table, label: str) -> "BackfillResult":
        """Itself, where all is loaded.

        Raises:
            BackfillIncomplete: names what is not, why, and what to do.
        """
        grid = table.grid
        if grid is None or not (self.failed or self.held_back):
            return self
        lines = [f"{label}: {grid.counted(len(self.loaded))} loaded, {grid.counted(len(self.failed))} failed"]
        lines += [f"- {grid.label(interval)}: {reason}" for interval, reason in sorted(self.failed.items())[:_TOLD]]
        if len(self.failed) > _TOLD:
            lines.append(f"- and {len(self.failed) - _TOLD:,} more, in daybook.failures")
        if self.held_back:
            lines.append(
                f"{grid.counted(len(self.held_back))} not tried after that, from {grid.label(min(self.held_back))} on"
            )
        raise BackfillIncomplete("\n".join([*lines, "Once that is mended, run it again: what is loaded is left alone"]))


class BackfillRun:
    """A range of a table that is being filled by runs of a deployment.

    `standings` are all of its intervals, `wanted` those to be loaded, in order; `label` is what a person calls it, and
    the tag of its runs.
    """

    def __init__(
        self,
        client: SyncPrefectClient,
        deployed: LoadingDeployment,
        standings: Sequence[IntervalStatus],
        wanted: Sequence[Interval],
        options: Options,
        label: str,
    ) -> None:
        self._deployed, self._options = deployed, options
        self._tries = retry_options()
        self._before = {standing.interval: standing.entry for standing in standings}
        stretches = arrange(coalesce(wanted, options.intervals_per_run), options.order)
        self._queue = BisectingQueue.of(stretches, in_order=options.depends_on_past)
        self._children = ChildRuns(client, deployed, label)
        self._page = CalendarPage(client, deployed.table, standings, wanted, label)
        self._later: list[tuple[datetime, IntervalRun]] = []
        self._again: Counter[IntervalRun] = Counter()
        self._filled = BackfillResult(failed=self._queue.failed, held_back=self._queue.held_back)
        self._yielding = False

    def run(self) -> BackfillResult:
        """Load all that is wanted, and return what came of it. Leaves no run behind when it is interrupted."""
        try:
            while self._step():
                time.sleep(_POLL)
        except BaseException:
            self._children.cancel()
            self._page.update(self._filled.failed, [], final=True)  # nothing is running any more
            raise
        self._page.update(self._filled.failed, [], final=True)
        logger.info("intervals loaded: %d, runs started: %d", len(self._filled.loaded), self._filled.runs)
        return self._filled

    def _step(self) -> bool:
        """Settle what has ended and start what may be started. Says whether there is more to do."""
        for stretch, run in self._children.pop_finished():
            self._settle(stretch, run)
        now = datetime.now(UTC)
        for stretch in [stretch for when, stretch in self._later if when <= now]:
            self._queue.requeue(stretch)
        self._later = [(when, stretch) for when, stretch in self._later if when > now]
        if self._queue.waiting and not self._today_waits():
            self._start()
        self._page.update(self._filled.failed, list(chain(*self._children.stretches)))
        return bool(self._children.stretches or self._queue.waiting or self._later)

    def _start(self) -> None:
        for _ in range(self._children.free_slots(self._options.max_active_runs)):
            stretch = self._queue.pop(self._left_of)
            if stretch is None:
                return
            run = self._children.start(stretch)
            self._filled.runs += 1
            logger.info("%s: run %s started", self._label(stretch), run.name)

    def _today_waits(self) -> bool:
        waiting = self._children.scheduled_runs_due()
        if waiting and not self._yielding:
            logger.info("%s is due and goes first; the backfill goes on after it", waiting[0].name)
        self._yielding = bool(waiting)
        return self._yielding

    def _left_of(self, stretch: IntervalRun) -> IntervalRun:
        """What nobody has loaded since the backfill began: no late run, no other backfill, no earlier try."""
        found = read_statuses(blocks.warehouse(), self._deployed.table.name, stretch)
        done = {s.interval: s.rows or 0 for s in found if s.entry and s.entry != self._before[s.interval]}
        self._filled.loaded += sorted(done)
        self._page.loaded(done)
        return tuple(interval for interval in stretch if interval not in done)

    def _settle(self, stretch: IntervalRun, run: FlowRun | None) -> None:
        """What the end of a run means for its intervals. What is loaded, the ledger says and not the run."""
        state, left = run.state if run else None, self._left_of(stretch)
        if not left:
            self._queue.mark_done(stretch)
            reason, kind = parse_failure_message(state.message if state else None)
            if kind is SourceIncomplete:  # committed, all but what the source could not give
                self._filled.failed.update(dict.fromkeys(stretch, reason))
        elif state and state.is_failed():
            self._failed(left, *parse_failure_message(state.message))
        elif state and state.is_completed():
            self._queue.mark_failed(left, "its run completed, but the ledger has no row of it", divisible=False)
        elif state and state.is_cancelled():
            self._queue.mark_failed(left, "its run was cancelled", divisible=False)
        elif self._again[left] < _CRASHES:
            self._again[left] += 1
            logger.warning("%s: the process of its run was lost; once more", self._label(left))
            self._queue.requeue(left)
        else:
            self._queue.mark_failed(left, "the process of its run was lost, twice (killed, or out of memory?)")

    def _failed(self, stretch: IntervalRun, reason: str, kind: type[DaybookError] | None) -> None:
        if kind and kind.may_pass and self._again[stretch] < self._tries["retries"]:
            self._again[stretch] += 1
            delay = timedelta(seconds=self._tries["retry_delay_seconds"])
            logger.warning("%s: %s; again in %s", self._label(stretch), reason, delay)
            self._later.append((datetime.now(UTC) + delay, stretch))
            return
        divisible = kind is None or kind.may_be_one_interval
        if divisible and len(stretch) > 1:
            logger.warning("%s failed, so each half of it is tried: %s", self._label(stretch), reason)
        else:
            logger.error("%s failed: %s", self._label(stretch), reason)
        self._queue.mark_failed(stretch, reason, divisible=divisible)
        if not divisible:
            self._queue.close()  # no interval is to blame, so that the others would fail in the same way

    def _label(self, stretch: IntervalRun) -> str:
        return self._deployed.table.label(stretch)
