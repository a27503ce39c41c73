"""What a leg of a run costs the process that runs it: seconds, CPU seconds, memory."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Leg:
    """One leg of a run, or the sum of several."""

    name: str
    seconds: float
    cpu_seconds: float
    """Of the process and of the programs that it called."""
    peak: int | None
    """Bytes that the process had at most above what it had when the meter was made; None where others do the work."""


class Meter:
    """Measures this process leg by leg, from the memory that it has now on. Linux only."""

    def __init__(self) -> None:
        self.own = _memory("VmRSS")
        self.legs: list[Leg] = []

    @contextmanager
    def leg(self, name: str, *, by_others: bool = False) -> Iterator[None]:
        """Measure the block as the leg `name`; `by_others` says that this process only waits for other programs."""
        if not by_others:
            # https://docs.kernel.org/filesystems/proc.html: 5 resets the peak, so that each leg has one of its own.
            _CLEAR.write_text("5")
        cpu, began = _cpu_seconds(), time.perf_counter()
        yield
        seconds, cpu_seconds = time.perf_counter() - began, _cpu_seconds() - cpu
        self.legs.append(Leg(name, seconds, cpu_seconds, None if by_others else _memory("VmHWM") - self.own))


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory(field: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
