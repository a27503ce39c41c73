"""Measure the cost of each leg of a run in its process: seconds, CPU seconds, memory."""

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
    """The CPU seconds of the process and of the programs that it called."""
    peak: int | None
    """The peak memory above that at the meter's creation, in bytes. None: other programs do the work."""


class Meter:
    """Measure this process leg by leg. Memory counts from that at the meter's creation. Linux only."""

    def __init__(self) -> None:
        self.own = _memory("VmRSS")
        self.legs: list[Leg] = []

    @contextmanager
    def leg(self, name: str, *, by_others: bool = False) -> Iterator[None]:
        """Measure the block as the leg `name`. `by_others`: this process only waits for other programs."""
        if not by_others:
            # https://docs.kernel.org/filesystems/proc.html: 5 resets the peak, so that each leg has its own.
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
