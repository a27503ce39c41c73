"""`python -m deployments.local.server`: Prefect's server, whose garbage a thread of its own collects.

Left to itself Python collects it wherever it is just then, in the server's event loop too. A cursor of SQLite's among
it is freed once its connection is. That one may wait to write until another's transaction is over, and that transaction
waits for the event loop: nothing goes on until SQLite has waited for its minute. On a busy machine this happens every
few minutes; requests fail then, and runs are made twice.
"""

import gc
import sys
import threading
import time

PAUSE = 1.0  # seconds between two collections of what is new
ALL = 60  # every so many times, of what is old, too: that takes half a second


def collect() -> None:
    """Collect garbage for ever."""
    for count in range(1, sys.maxsize):
        time.sleep(PAUSE)
        gc.collect(1 if count % ALL else 2)


def main() -> None:
    """What `prefect server start` does. Returns when the server ends."""
    gc.disable()
    threading.Thread(target=collect, name="garbage", daemon=True).start()

    from prefect.cli import app

    sys.argv = ["prefect", "server", "start"]
    app()


if __name__ == "__main__":
    main()
