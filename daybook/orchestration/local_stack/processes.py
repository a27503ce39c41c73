"""Start, find and stop the background processes of the local stack, by marks in their environment.

Daybook writes no PID files. They go stale after a reboot or a `kill -9`, and their PID may then belong to another
program, which Daybook must never kill. A process belongs to the stack if its environment has the mark of the stack's
folder. Its child processes inherit the mark.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daybook.extras import extra
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.polling import wait_until
from daybook.orchestration.server.running_stack import HOME_MARK, PART_MARK

with extra("demo"):
    import psutil

GRACE = 15  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Part:
    """A background process of the stack in `home`: `python -m *arguments`, marked with `name`."""

    home: Path
    name: str
    arguments: tuple[str, ...]

    @property
    def log(self) -> Path:
        """Return the path of the log file, which has all output of the process."""
        return self.home / "logs" / f"{self.name}.log"

    def process(self) -> psutil.Process | None:
        """Return the process, not one of its children. None: it is not running."""
        for process in marked_processes(self.home, self.name):
            try:
                if tuple(process.cmdline()[1:]) == ("-m", *self.arguments):
                    return process
            except psutil.Error:
                continue
        return None

    def runs_with(self, environment: Mapping[str, str]) -> bool:
        """Return True if the process runs, has these environment variables, and its log file still exists."""
        process = self.process()
        if process is None or not self.log.exists():
            return False
        try:
            actual = process.environ()
        except psutil.Error:
            return False
        return all(actual.get(name) == value for name, value in environment.items())

    def start(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it in `folder`, in its own session, so that Ctrl-C or a closed terminal does not end it.

        Its environment is `environment` and the marks.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=folder,
                env={**environment, HOME_MARK: str(self.home), PART_MARK: self.name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # The system shows the environment of a new process after a moment. Until then, `process` does not find it.
        wait_until(lambda: self.process() is not None or started.poll() is not None, GRACE)

    def require_running(self) -> None:
        """Check that the process runs. Raises StackError with the last lines of its log if it has ended."""
        if self.process() is None:
            raise StackError(f"The {self.name} has ended. The last lines of {self.log}:\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> int:
        """End it and its children: SIGTERM first, SIGKILL after 15 seconds. Return the number of processes."""
        return end(marked_processes(self.home, self.name))


def marked_processes(home: Path, part: str | None = None) -> list[psutil.Process]:
    """Return every process with the mark of `home` (and of `part`), including child processes."""
    found = []
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}  # None if the process belongs to another user
        if environment.get(HOME_MARK) == str(home) and part in (None, environment.get(PART_MARK)):
            found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def end(processes: list[psutil.Process]) -> int:
    """Ask the processes to end, and kill those that still run after 15 seconds. Return their number.

    Raises:
        StackError: a process belongs to another user.
    """
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied:
                raise StackError(
                    f"Process {process.pid} was started by another user: stop it as that user, or as root."
                ) from None
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline and any(_alive(process) for process in processes):
            time.sleep(0.1)
        if not any(_alive(process) for process in processes):
            break
    return len(processes)


def _alive(process: psutil.Process) -> bool:
    """Return True if it still runs. A zombie has ended: its parent has not read its exit code yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
