"""The queue of a backfill: its items, the cost of a failure, and that each interval is loaded exactly once."""

import itertools
import math
from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.backfill.queue import FEW_ROWS, MOST_INTERVALS, BisectingQueue, Order, arrange, group
from daybook.load.planning.scattered import runs_of
from daybook.model.interval import Interval, IntervalRun, coalesce
from daybook.model.interval_grid import Grid

FIRST = datetime(2021, 2, 5, tzinfo=UTC)


def day(number: int) -> Interval:
    return Interval(FIRST + timedelta(days=number), FIRST + timedelta(days=number + 1))


def days(*numbers: int) -> IntervalRun:
    return tuple(day(number) for number in numbers)


def are_neighbours(stretch: IntervalRun) -> bool:
    return all(one.end == other.start for one, other in pairwise(stretch))


def run_all(queue: BisectingQueue, poisoned: Collection[Interval]) -> tuple[Counter[Interval], int]:
    """Process the queue. A run fails if it has a poisoned interval.

    Return the load count of each interval, and the number of runs.
    """
    loaded: Counter[Interval] = Counter()
    runs = 0
    while stretch := queue.pop():
        runs += 1
        assert are_neighbours(stretch) or queue.scattered
        bad = [interval for interval in stretch if interval in poisoned]
        if bad:
            queue.mark_failed(stretch, f"{bad[0]} is poisoned")
        else:
            loaded.update(stretch)
            queue.mark_done(stretch)
    return loaded, runs


RANGES = st.sets(st.integers(0, 80), max_size=60).map(lambda numbers: days(*sorted(numbers)))
EVENTS = st.sampled_from(["start", "end", "lost", "loaded by others"])


# ── Items ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(RANGES, st.integers(1, 90))
def test_a_range_is_split_evenly_and_at_gaps(wanted: IntervalRun, most: int) -> None:
    stretches = coalesce(wanted, most)
    assert [interval for stretch in stretches for interval in stretch] == list(wanted), "all of it, in order"
    for between_gaps in coalesce(wanted, len(wanted) or 1):
        pieces = [len(stretch) for stretch in stretches if stretch[0] in between_gaps]
        assert max(pieces) - min(pieces) <= 1
        assert len(pieces) == math.ceil(len(between_gaps) / most), "as few as can be"
    assert all(are_neighbours(stretch) for stretch in stretches)


def test_examples_of_splitting() -> None:
    assert coalesce([], 500) == []
    assert coalesce(days(0, 1, 2, 3, 4, 5, 6), 5) == [days(0, 1, 2), days(3, 4, 5, 6)], "not five and two"
    assert coalesce(days(0, 1, 3, 4), 500) == [days(0, 1), days(3, 4)]
    assert coalesce(days(0, 1, 2), 1) == [days(0), days(1), days(2)]


def test_days_of_23_and_25_hours_are_neighbours() -> None:
    year = Grid("day", "America/New_York").between(date(2021, 1, 1), date(2022, 1, 1))
    assert coalesce(year, 365) == [tuple(year)]


def test_orders() -> None:
    stretches = [days(number) for number in range(0, 40, 2)]
    assert arrange(stretches, "ascending") == stretches
    assert arrange(stretches, "descending") == stretches[::-1]
    shuffled = [arrange(stretches, "shuffled") for _ in range(5)]
    assert all(sorted(one) == stretches for one in shuffled)
    assert any(one != stretches for one in shuffled)


# ── Failing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.data())
def test_only_the_poisoned_intervals_fail_and_all_others_are_loaded_once(data: st.DataObject) -> None:
    wanted = data.draw(RANGES)
    poisoned = data.draw(st.sets(st.sampled_from(wanted))) if wanted else set()
    order: Order = data.draw(st.sampled_from(get_args(Order)))
    scattered = data.draw(st.booleans())
    items = arrange(runs_of(wanted, data.draw(st.integers(1, 90)), scattered=scattered), order)
    queue = BisectingQueue.of(items, scattered=scattered)
    loaded, _ = run_all(queue, poisoned)
    assert set(queue.failed) == poisoned
    assert all(reason == f"{interval} is poisoned" for interval, reason in queue.failed.items()), "its own reason"
    assert loaded == Counter(set(wanted) - poisoned)
    assert queue.held_back == []


@given(
    RANGES.filter(bool),
    st.sets(st.integers(0, 80)),
    st.integers(1, 90),
    st.lists(st.tuples(EVENTS, st.integers(0, 80))),
    st.booleans(),
)
def test_the_same_with_parallel_runs_lost_runs_and_loads_by_others(
    wanted: IntervalRun, bad: set[int], most: int, script: list[tuple[str, int]], scattered: bool
) -> None:
    """Play the script, whose numbers choose a run or an interval. After it, every run ends by itself."""
    poisoned = set(wanted) & set(days(*bad))
    by_others: set[Interval] = set()
    queue = BisectingQueue.of(runs_of(wanted, most, scattered=scattered), scattered=scattered)
    running: list[IntervalRun] = []
    loaded: Counter[Interval] = Counter()

    def left_of(stretch: IntervalRun) -> IntervalRun:
        return tuple(interval for interval in stretch if interval not in by_others)

    undisturbed = itertools.cycle([("start", 0), ("end", 0)])
    for happens, number in itertools.chain(script, undisturbed):
        if not running and not queue.waiting:
            break
        if happens == "start" and len(running) < 4:
            stretch = queue.pop(left_of)
            if stretch is not None:
                assert (scattered or are_neighbours(stretch)) and not by_others & set(stretch)
                running.append(stretch)
        elif happens == "loaded by others":
            by_others.add(wanted[number % len(wanted)])
        elif running and happens != "start":
            stretch = running.pop(number % len(running))
            left = left_of(stretch)
            if not left:
                continue
            if happens == "lost":
                queue.requeue(left)
            elif poisoned & set(left):
                queue.mark_failed(left, "poisoned")
            else:
                loaded.update(left)
                queue.mark_done(stretch)
    assert set(queue.failed) <= poisoned
    assert poisoned - set(queue.failed) <= by_others
    assert all(count == 1 for count in loaded.values())
    assert set(wanted) == set(queue.failed) | set(loaded) | (by_others & set(wanted))


@pytest.mark.parametrize("count", [2, 3, 31, 365, 500])
def test_one_poisoned_interval_costs_few_runs_at_any_position(count: int) -> None:
    wanted = days(*range(count))
    for bad in wanted:
        queue = BisectingQueue.of(coalesce(wanted, count))
        loaded, runs = run_all(queue, {bad})
        assert list(queue.failed) == [bad] and len(loaded) == count - 1
        assert runs - 1 <= 2 * math.log2(count)


def test_one_poisoned_interval_among_scattered_ones_costs_as_few_runs() -> None:
    wanted = days(*range(0, 500, 5))
    for bad in wanted:
        queue = BisectingQueue.of(runs_of(wanted, 100, scattered=True), scattered=True)
        loaded, runs = run_all(queue, {bad})
        assert list(queue.failed) == [bad] and len(loaded) == 99
        assert runs - 1 <= 2 * math.log2(100)


@given(st.sets(st.integers(0, 364), min_size=2, max_size=6))
def test_several_poisoned_intervals_cost_at_most_that_many_times_one(numbers: set[int]) -> None:
    wanted = days(*range(365))
    queue = BisectingQueue.of([wanted])
    loaded, runs = run_all(queue, set(days(*numbers)))
    assert set(queue.failed) == set(days(*numbers)) and len(loaded) == 365 - len(numbers)
    assert runs - 1 <= len(numbers) * 2 * math.log2(365)


def test_a_failure_that_no_interval_causes_is_not_bisected() -> None:
    queue = BisectingQueue.of([days(0, 1, 2), days(3)])
    stretch = queue.pop()
    assert stretch == days(0, 1, 2)
    queue.mark_failed(stretch, "no such column", divisible=False)
    assert queue.failed == dict.fromkeys(days(0, 1, 2), "no such column")
    assert queue.pop() == days(3)


def test_halves_come_next_and_in_order() -> None:
    queue = BisectingQueue.of([days(0, 1, 2, 3), days(4)])
    queue.mark_failed(queue.pop() or (), "x")
    taken = list(iter(queue.pop, None))
    assert [interval for stretch in taken for interval in stretch] == list(days(0, 1, 2, 3, 4))
    assert len(taken) > 2


# ── In order ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.data())
def test_in_order_stops_at_the_first_failure_and_names_the_rest(data: st.DataObject) -> None:
    wanted = data.draw(RANGES.filter(bool))
    poisoned = data.draw(st.sets(st.sampled_from(wanted)))
    scattered = data.draw(st.booleans())
    items = runs_of(wanted, data.draw(st.integers(1, 90)), scattered=scattered)
    queue = BisectingQueue.of(items, in_order=True, scattered=scattered)
    loaded, _ = run_all(queue, poisoned)
    first = min(poisoned, default=None)
    assert list(queue.failed) == ([first] if first else [])
    assert sorted(loaded) == [interval for interval in wanted if first is None or interval < first]
    assert queue.held_back == [interval for interval in wanted if first is not None and interval > first]
    assert queue.closed is (first is not None) and queue.pop() is None


def test_a_closed_queue_returns_nothing_and_records_the_rest() -> None:
    queue = BisectingQueue.of([days(0, 1), days(2, 3), days(4)])
    one, other = queue.pop(), queue.pop()
    assert one and other
    queue.close()
    assert queue.held_back == list(days(4)) and queue.pop() is None
    queue.requeue(one)  # their runs end after that
    queue.mark_failed(other, "poisoned")
    assert queue.pop() is None and queue.failed == {}
    assert sorted(queue.held_back) == list(days(0, 1, 2, 3, 4))


# ── Others ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_requeued_intervals_are_next() -> None:
    queue = BisectingQueue.of([days(0, 1), days(2, 3)])
    lost = queue.pop()
    assert lost == days(0, 1)
    queue.requeue(lost)
    assert [queue.pop(), queue.pop(), queue.pop()] == [days(0, 1), days(2, 3), None]


def test_intervals_that_others_have_loaded_leave_gaps() -> None:
    queue = BisectingQueue.of([days(0, 1, 2, 3, 4), days(5, 6), days(7)])
    done = {*days(2), *days(5, 6)}

    def still_wanted(stretch: IntervalRun) -> IntervalRun:
        return tuple(interval for interval in stretch if interval not in done)

    taken = list(iter(lambda: queue.pop(still_wanted), None))
    assert taken == [days(0, 1), days(3, 4), days(7)]


def test_an_item_with_gaps_stays_one_if_its_run_may_have_gaps() -> None:
    queue = BisectingQueue.of([days(0, 1, 2, 5)], scattered=True)
    lost = queue.pop(lambda item: [interval for interval in item if interval != day(1)])
    assert lost == days(0, 2, 5)
    queue.requeue(lost)
    assert [queue.pop(), queue.pop()] == [days(0, 2, 5), None]


def test_a_failed_item_with_a_gap_is_retried_on_both_sides() -> None:
    queue = BisectingQueue.of([days(0, 1, 2, 3, 4)])
    queue.pop()
    queue.mark_failed(days(0, 1, 3, 4), "x")
    assert [queue.pop(), queue.pop(), queue.failed] == [days(0, 1), days(3, 4), {}]


def test_an_indivisible_failure_fails_every_interval_also_with_a_gap() -> None:
    queue = BisectingQueue.of([days(0, 1, 2)])
    queue.pop()
    queue.mark_failed(days(0, 2), "its run was cancelled", divisible=False)
    assert set(queue.failed) == set(days(0, 2))
    assert queue.pop() is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(None, [3, 3, 2], id="not counted"),
        pytest.param({}, [6, 2], id="no rows at all, and a gap"),
        pytest.param({day(0): FEW_ROWS - 1, day(3): 1}, [6, 2], id="just few enough"),
        pytest.param({day(0): FEW_ROWS, day(3): 1}, [3, 3, 2], id="one too many"),
        pytest.param({day(4): 5 * FEW_ROWS}, [3, 3, 2], id="a run with many rows stays as it is"),
    ],
)
def test_runs_with_few_rows_become_one(rows: dict[Interval, int] | None, expected: list[int]) -> None:
    wanted = days(0, 1, 2, 3, 4, 5, 7, 8)
    grouped = group(wanted, 3, rows)
    assert [len(run) for run in grouped] == expected
    assert [interval for run in grouped for interval in run] == list(wanted) and all(map(are_neighbours, grouped))


def test_a_run_has_a_most_of_intervals() -> None:
    wanted = days(*range(MOST_INTERVALS + 1))
    assert [len(run) <= MOST_INTERVALS for run in group(wanted, 500, {})] == [True, True]
    assert [interval for run in group(wanted, 500, {}) for interval in run] == list(wanted)
