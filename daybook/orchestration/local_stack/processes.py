"""Parts of the local stack that run in the background, found again by a mark in their environment.

There are no pid files: they go stale with a reboot or a `kill -9`, and a pid that was given to somebody else's process
must never be killed. A process is ours when its environment carries the mark of our folder, which it and all of its
children inherit, and nobody else has it.
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

with extra("demo"):
    import psutil

HOME_MARK = "DAYBOOK_STACK_HOME"
PART_MARK = "DAYBOOK_STACK_PART"
GRACE = 15  # seconds between asking a process to end and making it


@dataclass(frozen=True)
class Part:
    """One background process of the stack in `home`: `python -m *arguments`, known by `name`."""

    home: Path
    name: str
    arguments: tuple[str, ...]

    @property
    def log(self) -> Path:
        """The file that takes everything the process prints."""
        return self.home / "logs" / f"{self.name}.log"

    def process(self) -> psutil.Process | None:
        """The process if it runs; its children do not count."""
        for process in marked_processes(self.home, self.name):
            try:
                if tuple(process.cmdline()[1:]) == ("-m", *self.arguments):
                    return process
            except psutil.Error:
                continue
        return None

    def runs_with(self, environment: Mapping[str, str]) -> bool:
        """Whether the process runs, was started with these variables, and its log was not deleted under it."""
        process = self.process()
        if process is None or not self.log.exists():
            return False
        try:
            actual = process.environ()
        except psutil.Error:
            return False
        return all(actual.get(name) == value for name, value in environment.items())

    def start(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start it in `folder`, in a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.

        `environment` is all that it gets to see, together with the mark.
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
        # The system shows a new process's mark a moment late, and whoever looks before would take it for ended.
        wait_until(lambda: self.process() is not None or started.poll() is not None, GRACE)

    def require_running(self) -> None:
        """Raises StackError with the end of the log if the process has ended."""
        if self.process() is None:
            raise StackError(f"The {self.name} has ended. The last lines of {self.log}:\n{self.log_tail()}")

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> int:
        """End it and its children, politely at first. Returns how many processes that were."""
        return end(marked_processes(self.home, self.name))


def marked_processes(home: Path, part: str | None = None) -> list[psutil.Process]:
    """Every process that carries the mark of `home` (and of `part`), children included."""
    found = []
    for process in psutil.process_iter(["environ"]):
        environment = process.info["environ"] or {}  # None where the process belongs to somebody else
        if environment.get(HOME_MARK) == str(home) and part in (None, environment.get(PART_MARK)):
            found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def end(processes: list[psutil.Process]) -> int:
    """Ask the processes to end, and kill those that have not after 15 seconds. Returns how many there were.

    Raises StackError where one belongs to somebody else.
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
    """Whether it still runs; a zombie has ended and only waits for its parent to notice."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
