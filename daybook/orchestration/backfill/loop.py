"""The loop of a backfill: start a few runs at a time, settle finished ones, and show the progress."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun

from daybook.backfill.options import BackfillOptions
from daybook.backfill.queue import BisectingQueue, arrange, group
from daybook.backfill.result import BackfillResult
from daybook.errors import SourceIncomplete
from daybook.ledger.interval_status import IntervalStatus, read_statuses
from daybook.load.planning.scattered import label_of
from daybook.model.interval import Interval, IntervalRun
from daybook.orchestration.artifacts.backfill_progress import CalendarPage
from daybook.orchestration.backfill.child_runs import ChildRuns
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.deployments import LoadingDeployment
from daybook.orchestration.flow_options import retry_options
from daybook.orchestration.run_failure import RunFailure, failure_of_run

logger = logging.getLogger("daybook.backfill")

_POLL = 0.5  # seconds between two polls of the runs
_MAX_CRASHES = 1  # how often a run whose process was lost is restarted unchanged


class BackfillRun:
    """Load the intervals `wanted` of a table, in order, through runs of the deployment that loads it.

    `statuses` has every interval of the range. `label` names the backfill in logs and on pages, and tags its runs.
    `rows` has the source's row counts: then a run takes more intervals if they have few rows (`group`).
    """

    def __init__(
        self,
        client: SyncPrefectClient,
        deployed: LoadingDeployment,
        statuses: Sequence[IntervalStatus],
        wanted: Sequence[Interval],
        options: BackfillOptions,
        label: str,
        rows: Mapping[Interval, int] | None = None,
    ) -> None:
        self._deployed, self._options = deployed, options.within(deployed.limit)
        self._retry_options = retry_options()
        self._before = {status.interval: status.entry for status in statuses}
        scattered = deployed.takes_scattered
        items = arrange(group(wanted, options.intervals_per_run, rows, scattered=scattered), options.order)
        self._queue = BisectingQueue.of(items, in_order=options.depends_on_past, scattered=scattered)
        self._children = ChildRuns(client, deployed, label)
        self._page = CalendarPage(client, deployed.table, statuses, wanted, label)
        self._delayed: list[tuple[datetime, IntervalRun]] = []
        self._tries: Counter[IntervalRun] = Counter()
        self._result = BackfillResult(failed=self._queue.failed, held_back=self._queue.held_back)
        self._is_waiting_for_schedule = False

    def run(self) -> BackfillResult:
        """Load the wanted intervals, and return the result. If interrupted, cancel the active runs."""
        try:
            while self._step():
                time.sleep(_POLL)
        except BaseException:
            self._children.cancel()
            self._page.update(self._result.failed, [], final=True)  # no run is active now
            raise
        self._page.update(self._result.failed, [], final=True)
        logger.info("intervals loaded: %d, runs started: %d", len(self._result.loaded), self._result.runs)
        return self._result

    def _step(self) -> bool:
        """Settle finished runs, and start new ones as allowed. Return True if there is more to do."""
        for stretch, run in self._children.pop_finished():
            self._settle(stretch, run)
        now = datetime.now(UTC)
        for stretch in [stretch for when, stretch in self._delayed if when <= now]:
            self._queue.requeue(stretch)
        self._delayed = [(when, stretch) for when, stretch in self._delayed if when > now]
        if self._queue.waiting and not self._scheduled_run_waits():
            self._start()
        self._page.update(self._result.failed, list(chain(*self._children.stretches)))
        return bool(self._children.stretches or self._queue.waiting or self._delayed)

    def _start(self) -> None:
        for _ in range(self._children.free_slots(self._options.max_active_runs)):
            stretch = self._queue.pop(self._not_loaded)
            if stretch is None:
                return
            run = self._children.start(stretch)
            self._result.runs += 1
            logger.info("%s: run %s started", self._label(stretch), run.name)

    def _scheduled_run_waits(self) -> bool:
        waiting = self._children.scheduled_runs_due()
        if waiting and not self._is_waiting_for_schedule:
            logger.info(
                "the scheduled run %s is due and has priority; the backfill continues after it", waiting[0].name
            )
        self._is_waiting_for_schedule = bool(waiting)
        return self._is_waiting_for_schedule

    def _not_loaded(self, stretch: IntervalRun) -> IntervalRun:
        """Return the intervals that no run, not even one of another backfill, has loaded since the backfill began."""
        found = read_statuses(blocks.warehouse(), self._deployed.table, stretch)
        done = {s.interval: s.rows or 0 for s in found if s.entry and s.entry != self._before[s.interval]}
        self._result.loaded += sorted(done)
        self._page.loaded(done)
        return tuple(interval for interval in stretch if interval not in done)

    def _settle(self, stretch: IntervalRun, run: FlowRun | None) -> None:
        """Update the queue after a run has ended. The ledger, not the run's state, says which intervals are loaded."""
        state, left = run.state if run else None, self._not_loaded(stretch)
        if not left:
            self._queue.mark_done(stretch)
            failure = failure_of_run(run) if run else None
            if failure and failure.kind is SourceIncomplete:  # it committed all rows that the source could deliver
                self._result.failed.update(dict.fromkeys(stretch, failure.reason))
        elif run and state and state.is_failed():
            self._failed(left, failure_of_run(run))
        elif state and state.is_completed():
            self._queue.mark_failed(left, "its run completed, but the ledger has no row for it", divisible=False)
        elif state and state.is_cancelled():
            self._queue.mark_failed(left, "its run was cancelled", divisible=False)
        elif self._tries[left] < _MAX_CRASHES:
            self._tries[left] += 1
            logger.warning("%s: the process of its run was lost; restarting the run once", self._label(left))
            self._queue.requeue(left)
        else:
            self._queue.mark_failed(left, "the process of its run was lost twice (killed, or out of memory?)")

    def _failed(self, stretch: IntervalRun, failure: RunFailure) -> None:
        kind, reason = failure.kind, failure.reason
        if kind and kind.may_pass and self._tries[stretch] < self._retry_options["retries"]:
            self._tries[stretch] += 1
            delay = timedelta(seconds=self._retry_options["retry_delay_seconds"])
            logger.warning("%s: %s; retrying in %s", self._label(stretch), reason, delay)
            self._delayed.append((datetime.now(UTC) + delay, stretch))
            return
        divisible = kind is None or kind.may_be_one_interval
        if divisible and len(stretch) > 1:
            logger.warning("%s failed, so the backfill tries each half separately: %s", self._label(stretch), reason)
        else:
            logger.error("%s failed: %s", self._label(stretch), reason)
        self._queue.mark_failed(stretch, reason, divisible=divisible)
        if not divisible:
            self._queue.close()  # the cause is not one interval, so the others would fail in the same way

    def _label(self, stretch: IntervalRun) -> str:
        assert self._deployed.table.grid is not None
        return label_of(self._deployed.table.grid, stretch)
