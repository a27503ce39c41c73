"""A clock that a test can set, for the processes that it starts: libfaketime."""

import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.servers.install import COMMAND, find_faketime

#: Python's time.sleep waits until an instant of the monotonic clock, which libfaketime 0.9.10 (Debian 12) mistakes for
#: one of the clock that it moves: the call fails with EINVAL.
SITECUSTOMIZE = "import threading, time\ntime.sleep = lambda seconds: threading.Event().wait(seconds)\n"
NOTICED_AFTER = 2.0  # seconds: a process reads the file again after one, counted in whole seconds


@dataclass(frozen=True)
class Clock:
    """The clock of the processes that are started with `variables`. Every other process has the real one."""

    folder: Path
    variables: dict[str, str]

    def now(self) -> datetime:
        """What it shows, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=float(self._file.read_text()))

    def set(self, moment: datetime) -> None:
        """Have it show `moment` and go on from there. Returns once the processes that run see that, too."""
        offset = (moment - datetime.now(UTC)).total_seconds()
        made = self._file.with_suffix(".new")
        made.write_text(f"{offset:+.3f}\n", encoding="utf-8")
        made.rename(self._file)
        time.sleep(NOTICED_AFTER)

    @property
    def _file(self) -> Path:
        return self.folder / "offset"


def new_clock(folder: Path) -> Clock:
    """A clock, kept in `folder`, that shows the real time at first. What measures time (the monotonic clock) stays."""
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    (folder / "offset").write_text("+0\n", encoding="utf-8")
    settings = {
        "FAKETIME_TIMESTAMP_FILE": str(folder / "offset"),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # the fix ends every wait at once, for Python's lock too: a crawl
        "NO_FAKE_STAT": "1",  # or Python would take every .pyc for one of another source, and write it anew
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
    }
    return Clock(folder, settings | _preload())


def _preload() -> dict[str, str]:
    """Return the variables that load the library into a process. Fails the test where it is missing."""
    library = find_faketime()
    if library is None:
        pytest.fail(f"libfaketime is not installed, and this test moves a clock. Install it: {COMMAND}", False)
    if sys.platform == "darwin":
        return {"DYLD_INSERT_LIBRARIES": str(library), "DYLD_FORCE_FLAT_NAMESPACE": "1"}
    return {"LD_PRELOAD": str(library)}
