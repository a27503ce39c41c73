"""What the local stack prints: a line for each step, and a timeline in which steps may overlap."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from daybook.orchestration.local_stack import console
from daybook.orchestration.local_stack.console import Narrator


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which the test moves."""
    times = [100.0]
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: times[0]))
    return times


def test_the_timeline_has_the_begin_and_the_end_of_steps_that_overlap(clock: list[float]) -> None:
    printed = io.StringIO()
    narrator = Narrator(Console(file=printed, width=100))
    clock[0] += 1
    with narrator.step("PostgreSQL") as step:
        clock[0] += 2
        step.detail = "127.0.0.1:15432"
    with narrator.step("Prefect server", begin=0.0):
        clock[0] += 4
    clock[0] += 1
    narrator.timeline(earlier=0.5)

    lines = [line.split() for line in printed.getvalue().splitlines()]
    assert ["✓", "PostgreSQL", "2.0", "s", "127.0.0.1:15432"] in lines
    assert ["✓", "Prefect", "server", "7.0", "s"] in lines
    table = [[" ".join(words[:-6]), *words[-6::2]] for words in lines if words[-1:] == ["s"] and "✓" not in words]
    assert table == [
        ["the program starts", "0.0", "0.5", "0.5"],
        ["PostgreSQL", "1.5", "3.5", "2.0"],
        ["Prefect server", "0.5", "7.5", "7.0"],
        ["total", "0.0", "8.5", "8.5"],
    ]


def test_a_step_that_fails_prints_no_line(clock: list[float]) -> None:
    printed = io.StringIO()
    narrator = Narrator(Console(file=printed, width=100))
    with pytest.raises(ValueError), narrator.step("worker"):
        raise ValueError
    assert (printed.getvalue(), narrator.steps) == ("", [])
