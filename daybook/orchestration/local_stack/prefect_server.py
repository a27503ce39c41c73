"""Run Prefect's server with fixes for two problems that it has on SQLite.

Garbage collection runs in a separate thread. By default Python collects garbage in any thread, also in that of the
server's event loop. If the garbage has a SQLite cursor, freeing the cursor waits for its connection. That connection
may wait to write until another transaction ends, and that transaction waits for the event loop. This deadlock lasts
until SQLite's timeout of one minute. On a busy machine it happens every few minutes: requests fail, and runs are
created twice. If a client disconnects during a request, only the collection of all garbage ends the request's
transaction, and until then no one else can write. So it runs every ten seconds, without the imported modules.

A transaction that writes begins as a write transaction, and waits for its turn. Prefect begins most of them as read
transactions that write later. SQLite refuses that at once, without waiting, if another connection has written since:
https://www.sqlite.org/rescode.html#busy_snapshot. Then the server answers 503, and its client waits for seconds before
it tries again. An event is tried again at once: after four attempts, Prefect moves it to PREFECT_HOME/dlq and no
automation runs. The notification of a failure then waits up to 15 minutes for the monitor's next pass.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import Any

Transaction = AbstractAsyncContextManager[Any]

PAUSE = 2.0  # seconds between two collections of new objects
ALL = 5  # every so many collections, old objects are collected, too, which takes a tenth of a second


def collect() -> None:
    """Collect garbage, forever."""
    for count in range(1, sys.maxsize):
        time.sleep(PAUSE)
        gc.collect(1 if count % ALL else 2)


def begin_to_write(begin: Callable[..., Transaction]) -> Callable[..., Transaction]:
    """Return `AioSqliteConfiguration.begin_transaction`, but each transaction waits for its turn to write."""

    @wraps(begin)
    def begin_transaction(self: Any, session: Any, with_for_update: bool = False) -> Transaction:
        return begin(self, session, with_for_update=True)

    return begin_transaction


def main() -> None:
    """Do what `prefect server start` does. Return when the server has ended."""
    gc.disable()

    import prefect.server.api.server  # noqa: F401  # so that it is among the frozen modules
    from prefect.cli import app
    from prefect.server.database.configurations import AioSqliteConfiguration as Sqlite

    gc.collect()
    gc.freeze()
    threading.Thread(target=collect, name="garbage", daemon=True).start()

    setattr(Sqlite, "begin_transaction", begin_to_write(Sqlite.begin_transaction))  # noqa: B010
    sys.argv = ["prefect", "server", "start"]
    app()


if __name__ == "__main__":
    main()
