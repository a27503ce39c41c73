"""Builds in their order: after what they read, side by side where they can; a failed one holds back its own."""

import contextvars
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daybook.errors import SummariesFailed
from daybook.summaries.builder.build import Built
from daybook.summaries.builder.scheduler import run_in_order


def built(name: str) -> Built:
    return Built(name, "all of it", "requested")


@given(st.lists(st.sets(st.integers(0, 11), max_size=3), min_size=1, max_size=12), st.sets(st.integers(0, 11)))
def test_each_comes_after_its_inputs_and_only_what_depends_on_a_failed_one_is_skipped(
    reads: list[set[int]], failing: set[int]
) -> None:
    inputs = {str(n): (*(str(one) for one in sorted(read) if one < n), "raw.t") for n, read in enumerate(reads)}
    order, lock = list[str](), threading.Lock()

    def build(name: str) -> Built:
        with lock:
            assert set(inputs[name]) - {"raw.t"} <= set(order)
        if int(name) in failing:
            raise ValueError(name)
        with lock:
            order.append(name)
        return built(name)

    outcome = run_in_order(inputs, build)
    causes: dict[str, set[str]] = {}
    for name, read in inputs.items():
        causes[name] = set().union(
            *(causes.get(one, set()) or ({one} if int(one) in failing else set()) for one in read if one in inputs)
        )
    assert {name: set(said) for name, said in outcome.skipped.items()} == {n: c for n, c in causes.items() if c}
    assert set(outcome.failed) == {name for name in inputs if int(name) in failing and not causes[name]}
    assert set(outcome.built) == set(inputs) - set(outcome.failed) - set(outcome.skipped)


def test_what_does_not_depend_on_each_other_runs_at_once_and_no_more_than_allowed() -> None:
    together, most, running = threading.Barrier(3, timeout=10), 0, 0
    lock = threading.Lock()

    def build(name: str) -> Built:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        time.sleep(0.01)
        with lock:
            running -= 1
        return built(name)

    outcome = run_in_order({str(n): () for n in range(9)}, build, at_once=3)
    assert (len(outcome.built), most) == (9, 3)


def test_a_build_sees_the_context_of_its_caller() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("of the flow")
    seen: list[str] = []

    def build(name: str) -> Built:
        seen.append(variable.get())
        return built(name)

    run_in_order({"a": (), "b": ("a",)}, build)
    assert seen == ["of the flow"] * 2


def test_what_failed_is_told_with_what_it_holds_back() -> None:
    def build(name: str) -> Built:
        if name == "a.first":
            raise ValueError("no such day")
        return built(name)

    outcome = run_in_order({"a.first": (), "a.second": ("a.first",), "a.third": ("a.second",), "a.other": ()}, build)
    with pytest.raises(SummariesFailed) as caught:
        outcome.raise_for_failures()
    assert str(caught.value).splitlines() == [
        "summaries: 1 succeeded, 1 failed, 2 skipped",
        "- a.first: ValueError: no such day",
        "- a.second: skipped, because a.first failed. It keeps its last build",
        "- a.third: skipped, because a.first failed. It keeps its last build",
    ]
