"""Allow one demo at a time in a folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daybook.orchestration.local_stack.errors import StackError


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the lock of the stack in `home` within the block. The system releases the lock of a dead process.

    Raises:
        StackError: another process has the lock.
    """
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"Another demo is running in {home.parent}: wait until it has ended.") from None
        yield
