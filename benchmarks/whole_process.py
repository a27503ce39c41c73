"""Run a program, and measure the whole process: seconds, CPU seconds, and the peak memory of its tree. Linux only."""

import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.servers import Servers

_SECONDS_BETWEEN_SAMPLES = 0.1


@dataclass(frozen=True)
class Cost:
    """The cost of one run of a program, from its start to its end."""

    seconds: float
    cpu_seconds: float
    """The CPU seconds of the program and of the programs that it called."""
    servers_cpu_seconds: float
    peak: int
    """The peak of the resident memory of the program and of the programs that it called, in bytes."""
    legs: Mapping[str, float] = field(default_factory=dict)
    """The seconds of the legs that the program reported."""


class Failed(Exception):
    """A program failed. The message has the last lines of its output."""


def measure(
    command: Sequence[str | Path],
    servers: Servers,
    *,
    text: str = "",
    environment: Mapping[str, str],
    folder: Path,
    legs: Callable[[Sequence[str]], Mapping[str, float]],
) -> Cost:
    """Run `command` in `folder` with `text` as its standard input, and return the cost.

    `legs` finds the seconds of the legs in the lines of its output.

    Raises:
        Failed: the program failed.
    """
    before = servers.cpu_seconds()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        began = time.perf_counter()
        program = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        memory = _Memory(program.pid)
        memory.start()
        assert program.stdin
        with suppress(BrokenPipeError):
            program.stdin.write(text)
            program.stdin.close()
        _, status, used = os.wait4(program.pid, 0)
        seconds = time.perf_counter() - began
        program.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it, too
        memory.stop()
        output.seek(0)
        lines = output.read().strip().splitlines()
    if program.returncode != 0:
        raise Failed("\n".join([f"exit code {program.returncode}:", *lines[-20:]]))
    servers_cpu_seconds = servers.cpu_seconds() - before
    return Cost(seconds, used.ru_utime + used.ru_stime, servers_cpu_seconds, memory.peak, legs(lines))


def legs_as_json(lines: Sequence[str]) -> dict[str, float]:
    """Return the legs if the last line is a JSON object with them."""
    with suppress(ValueError, IndexError):
        found: Any = json.loads(lines[-1])
        if isinstance(found, dict):
            return found
    return {}


class _Memory(threading.Thread):
    """Sample the resident memory of a process and its descendants.

    The peak of a single process (`VmHWM`) is exact, and the sum of several is as exact as the samples.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_SAMPLES):
            sizes = [_sizes(pid) for pid in _tree(self._pid)]
            self.peak = max(self.peak, sum(now for now, _ in sizes), *(highest for _, highest in sizes))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _tree(pid: int) -> list[int]:
    """Return the process and its descendants. psutil would read the files of all processes of the machine."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _tree(int(child))
    return found


def _sizes(pid: int) -> tuple[int, int]:
    """Return the resident memory of a process, and its peak. Both are 0 if it has ended."""
    found = {"VmRSS": 0, "VmHWM": 0}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in found:
                found[name] = int(value.split()[0]) * 1024
    return found["VmRSS"], found["VmHWM"]
