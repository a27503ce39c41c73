"""A clock that a test can set for the processes that it starts, with libfaketime."""

import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.servers.install import COMMAND, find_faketime

#: Python's time.sleep waits for an instant of the monotonic clock. libfaketime 0.9.10 (Debian 12) mistakes it for an
#: instant of the clock that it moves, and the call fails with EINVAL.
SITECUSTOMIZE = "import threading, time\ntime.sleep = lambda seconds: threading.Event().wait(seconds)\n"
NOTICED_AFTER = 2.0  # seconds: a process rereads the file after one second, counted in whole seconds


@dataclass(frozen=True)
class Clock:
    """The clock of the processes that are started with `variables`. Every other process has the real one."""

    folder: Path
    variables: dict[str, str]

    def now(self) -> datetime:
        """Return the time that the clock shows, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text()))

    def set(self, moment: datetime) -> None:
        """Set the clock to `moment`. It runs on from there. Returns after running processes have noticed the change."""
        offset = (moment - datetime.now(UTC)).total_seconds()
        made = self._file.with_suffix(".new")
        made.write_text(f"{offset:+.3f}\n", encoding="utf-8")
        made.rename(self._file)
        time.sleep(NOTICED_AFTER)

    @property
    def _file(self) -> Path:
        return self.folder / "offset"


def new_clock(folder: Path) -> Clock:
    """Return a clock with its file in `folder`. It starts with the real time. The monotonic clock is not changed."""
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    (folder / "offset").write_text("+0\n", encoding="utf-8")
    settings = {
        "FAKETIME_TIMESTAMP_FILE": str(folder / "offset"),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # the fix ends every wait at once, also for Python's lock
        "NO_FAKE_STAT": "1",  # or Python would consider every .pyc stale, and rewrite it
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
    }
    return Clock(folder, settings | _preload())


def _preload() -> dict[str, str]:
    """Return the variables that load the library into a process. Fail the test if it is missing."""
    library = find_faketime()
    if library is None:
        pytest.fail(f"libfaketime is not installed, and this test moves a clock. Install it: {COMMAND}", False)
    if sys.platform == "darwin":
        return {"DYLD_INSERT_LIBRARIES": str(library), "DYLD_FORCE_FLAT_NAMESPACE": "1"}
    return {"LD_PRELOAD": str(library)}
