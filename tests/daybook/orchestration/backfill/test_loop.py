"""What a backfill makes of the runs that end: by the failure that each run recorded, whatever its message says."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from daybook.backfill.options import BackfillOptions
from daybook.backfill.result import BackfillResult
from daybook.definitions.table import Table
from daybook.errors import CheckFailed, SchemaMismatch, SourceIncomplete, SourceLost
from daybook.ledger.interval_status import IntervalStatus
from daybook.ledger.ledger import LedgerRow
from daybook.model.interval import Interval, IntervalRun
from daybook.orchestration.backfill import loop
from daybook.orchestration.backfill.loop import BackfillRun
from daybook.orchestration.deployments import LoadingDeployment
from daybook.orchestration.run_failure import failure_of_error, record_failure

TABLE = Table(
    name="raw_data.nps",
    description="x",
    owner="x",
    source={"kind": "database", "table": "prod.nps"},  # type: ignore[arg-type]
    cursor="at",
    interval="day",
    load="replace_interval",
    start=date(2021, 2, 5),
)
NOW = datetime.now(UTC)
Outcome = Exception | StateType | None
Fill = Callable[..., tuple[BackfillResult, Counter[int]]]


class Runs:
    """In place of runs on a server: each ends at once as `outcome(first day, number of days, try)` says.

    An exception is the one that its flow raised; a state is what the server set; None is a load.
    """

    def __init__(self, outcome: Callable[[int, int, int], Outcome], loaded: set[Interval]) -> None:
        self._outcome, self._loaded = outcome, loaded
        self._ended: list[tuple[IntervalRun, FlowRun | None]] = []
        self.tries: Counter[int] = Counter()

    @property
    def stretches(self) -> list[IntervalRun]:
        return [stretch for stretch, _ in self._ended]

    def free_slots(self, wanted: int) -> int:
        return wanted

    def scheduled_runs_due(self) -> list[FlowRun]:
        return []

    def cancel(self) -> None: ...

    def start(self, stretch: IntervalRun) -> FlowRun:
        first = stretch[0].start.day
        self.tries[first] += 1
        outcome = self._outcome(first, len(stretch), self.tries[first])
        run = FlowRun(flow_id=uuid4(), name=f"{first}", run_count=1)
        if isinstance(outcome, Exception):
            run.state = State(type=StateType.FAILED, message="Flow run encountered an exception: CheckFailed: not it")
            record_failure(Labels(run), run.id, 1, failure_of_error(outcome))  # type: ignore[arg-type]
        else:
            run.state = State(type=outcome or StateType.COMPLETED)
        if outcome is None or isinstance(outcome, SourceIncomplete):
            self._loaded.update(stretch)
        self._ended.append((stretch, run))
        return run

    def pop_finished(self) -> list[tuple[IntervalRun, FlowRun | None]]:
        ended, self._ended = self._ended, []
        return ended


class Labels:
    """In place of a client of Prefect's server."""

    def __init__(self, run: FlowRun) -> None:
        self._run = run

    def update_flow_run_labels(self, run_id: UUID, labels: dict[str, Any]) -> None:
        self._run.labels |= labels


@pytest.fixture
def fill(monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Fills the days from 2021-02-05 on; what came of it, and how often a run began with each day."""

    def fill(
        outcome: Callable[[int, int, int], Outcome],
        days: int = 4,
        every: int = 1,
        takes: Sequence[str] = (),
        **options: Any,
    ) -> Any:
        loaded: set[Interval] = set()

        def statuses(warehouse: object, table: str, intervals: Sequence[Interval]) -> list[IntervalStatus]:
            rows = {one: LedgerRow(one.start, one.end, 1, NOW, None) for one in loaded}
            return [IntervalStatus(one, rows.get(one)) for one in intervals]

        runs = Runs(outcome, loaded)
        monkeypatch.setattr(loop, "ChildRuns", lambda *_: runs)
        monkeypatch.setattr(loop, "CalendarPage", lambda *_: Page())
        monkeypatch.setattr(loop, "read_statuses", statuses)
        monkeypatch.setattr(loop.blocks, "warehouse", lambda: None)
        monkeypatch.setattr(loop, "retry_options", lambda: {"retries": 1, "retry_delay_seconds": 0})
        monkeypatch.setattr(loop, "_POLL", 0)
        assert TABLE.grid is not None
        wanted = TABLE.grid.between(date(2021, 2, 5), date(2021, 2, 5 + days))[::every]
        deployed = LoadingDeployment(uuid4(), "nps/daily", TABLE, None, frozenset(takes))
        before = [IntervalStatus(one) for one in wanted]
        run = BackfillRun(None, deployed, before, wanted, BackfillOptions(**options), "a label")  # type: ignore[arg-type]
        return run.run(), runs.tries

    return fill


class Page:
    """In place of artifacts."""

    def update(self, *_: object, **__: object) -> None: ...

    def loaded(self, *_: object) -> None: ...


def days(intervals: Sequence[Interval]) -> list[int]:
    return sorted(interval.start.day for interval in intervals)


def test_an_interval_that_may_be_to_blame_is_found_by_halves(fill: Fill) -> None:
    result, _ = fill(lambda first, number, _: CheckFailed("42") if first <= 7 < first + number else None)
    assert (days(result.loaded), days(list(result.failed))) == ([5, 6, 8], [7])
    assert set(result.failed.values()) == {"CheckFailed: 42"}


def test_days_with_gaps_are_one_run_if_the_flow_takes_them(fill: Fill) -> None:
    result, tries = fill(lambda *_: None, days=9, every=2, takes=["intervals"])
    assert days(result.loaded) == [5, 7, 9, 11, 13] and tries == {5: 1}
    result, tries = fill(lambda *_: None, days=9, every=2)
    assert days(result.loaded) == [5, 7, 9, 11, 13] and tries == dict.fromkeys([5, 7, 9, 11, 13], 1)


def test_what_is_no_intervals_fault_stops_the_backfill(fill: Fill) -> None:
    result, tries = fill(lambda *_: SchemaMismatch("no column score"), intervals_per_run=2)
    assert (days(list(result.failed)), days(result.held_back)) == ([5, 6], [7, 8])
    assert tries == {5: 1}


def test_what_may_pass_is_retried_as_often_as_a_run_would_be(fill: Fill) -> None:
    result, tries = fill(lambda _, __, attempt: SourceLost("away") if attempt == 1 else None)
    assert days(result.loaded) == [5, 6, 7, 8] and tries == {5: 2}
    result, tries = fill(lambda *_: SourceLost("away"))
    assert set(result.failed.values()) == {"SourceLost: away"} and tries == {5: 2}


def test_what_is_loaded_all_but_a_part_is_loaded_and_failed(fill: Fill) -> None:
    result, _ = fill(lambda *_: SourceIncomplete("AAPL was not given"), days=1)
    assert days(result.loaded) == days(list(result.failed)) == [5]


def test_a_lost_process_is_started_once_more(fill: Fill) -> None:
    result, tries = fill(lambda _, __, attempt: StateType.CRASHED if attempt == 1 else None)
    assert days(result.loaded) == [5, 6, 7, 8] and tries == {5: 2}
    result, _ = fill(lambda *_: StateType.CRASHED, days=1)
    assert "was lost twice (killed, or out of memory?)" in result.failed[min(result.failed)]


def test_a_run_that_completed_without_a_row_in_the_ledger_has_failed(fill: Fill) -> None:
    result, _ = fill(lambda *_: StateType.COMPLETED, days=1)
    assert "the ledger has no row for it" in result.failed[min(result.failed)]
    result, _ = fill(lambda *_: StateType.CANCELLED, days=1)
    assert "was cancelled" in result.failed[min(result.failed)]
