"""Spare a short process most searches for garbage: they take a quarter of the CPU time of a command.

While Python imports modules, it makes hundreds of thousands of objects, none of which is garbage. By default, its
collector looks through the new ones after every 700, and through all of them when the process ends.
"""

import atexit
import gc

_NEW_OBJECTS = 50_000  # between two searches; a load makes fewer, whatever the number of its rows


def search_rarely() -> None:
    """Let this process search for garbage rarely, and not at its end. Call it before the imports."""
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)
