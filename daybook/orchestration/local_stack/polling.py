"""Wait until a condition is true."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Call `condition` every `pause` seconds until it returns True or the time is over. Return True if it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
