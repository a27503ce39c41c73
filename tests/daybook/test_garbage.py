"""A short process searches rarely for garbage, and not at its end."""

import subprocess
import sys

import pytest

_CODE = """
import atexit, gc, sys
before = gc.get_threshold()[0]
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # called after what is registered later
from daybook.garbage import search_rarely
search_rarely()
print(gc.isenabled(), gc.get_threshold()[0] > 10 * before, gc.get_freeze_count() > 0)
"""


@pytest.mark.servers
def test_garbage_is_still_collected_but_rarely_and_not_at_the_end() -> None:
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False", "True"]
