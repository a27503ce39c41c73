"""Start a server program for the tests, wait until it answers, and end it."""

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
    """Delete `folder`, also when a program that Ctrl-C has just ended still writes its last files there."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def program(name: str, install: str) -> str:
    """The path of a server's program. Where it is missing the test fails, with the command that installs it."""
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
    """Run `command`, output to `log`, from when `answers()` no longer raises `refusals` until the block ends.

    Yields the process's id. It has a session of its own, so that Ctrl-C reaches pytest alone, which ends it in order.
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
                said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                pytest.fail(f"{command[0]} did not start (exit code {server.poll()}):\n{said}", False)
            time.sleep(0.05)
        yield server.pid
    finally:
        server.terminate()
        try:
            server.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
