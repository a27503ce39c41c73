"""Start a server program for tests, wait until it answers, and stop it."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.servers.install import find_program

SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 30


def remove(folder: Path) -> None:
    """Delete `folder`, even while a program that was just stopped still writes its last files there."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def program(name: str, install: str) -> str:
    """Return the path of a server's program. If it is missing, fail the test with the command that installs it."""
    found = find_program(name)
    if found is None:
        pytest.fail(f"{name} is not installed, and these tests run on the real server. Install it: {install}", False)
    return found


@contextlib.contextmanager
def serving(
    command: Sequence[str | Path],
    log: Path,
    answers: Callable[[], object],
    refusals: type[Exception],
    **options: object,
) -> Iterator[int]:
    """Run `command` with its output in `log`. Yield its process ID once `answers()` no longer raises `refusals`.

    Stops the process when the block ends. It has its own session: Ctrl-C reaches only pytest, which stops it in order.
    """
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,  # type: ignore[call-overload]
        )
    try:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while True:
            with contextlib.suppress(refusals):
                answers()
                break
            if server.poll() is not None or time.monotonic() > deadline:
                output_end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                pytest.fail(f"{command[0]} did not start (exit code {server.poll()}):\n{output_end}", False)
            time.sleep(0.05)
        yield server.pid
    finally:
        server.terminate()
        try:
            server.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
