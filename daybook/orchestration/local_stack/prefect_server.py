"""Run Prefect's server with fixes for two problems that it has on SQLite.

Garbage collection runs in a separate thread. By default Python collects garbage in any thread, also in that of the
server's event loop. If the garbage has a SQLite cursor, freeing the cursor waits for its connection. That connection
may wait to write until another transaction ends, and that transaction waits for the event loop. This deadlock lasts
until SQLite's timeout of one minute. On a busy machine it happens every few minutes: requests fail, and runs are
created twice. If a client disconnects during a request, only the collection of all garbage ends the request's
transaction, and until then no one else can write. So it runs every ten seconds, without the imported modules.

The transaction that matches an event with the automations begins as a write transaction. Prefect 3.8 begins it as a
read transaction and then writes. SQLite refuses that at once, without waiting, if another connection has written since:
https://www.sqlite.org/rescode.html#busy_snapshot. After four attempts, Prefect moves the event to PREFECT_HOME/dlq and
no automation runs. The notification of a failure then waits up to 15 minutes for the monitor's next pass. Prefect 3.9
begins it as a write transaction itself, so it keeps its own function.
"""

import gc
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PAUSE = 2.0  # seconds between two collections of new objects
ALL = 5  # every so many collections, old objects are collected, too, which takes a tenth of a second


def collect() -> None:
    """Collect garbage, forever."""
    for count in range(1, sys.maxsize):
        time.sleep(PAUSE)
        gc.collect(1 if count % ALL else 2)


@asynccontextmanager
async def automations_session(*, begin_transaction: bool = False) -> AsyncIterator["AsyncSession"]:
    """Replace `prefect.server.events.triggers.automations_session`: its transactions wait for their turn to write."""
    from prefect.server.database import provide_database_interface

    database = provide_database_interface()
    async with database.session_context(begin_transaction, with_for_update=begin_transaction) as session:
        yield session


def reads_before_it_writes(session: Callable[..., Any]) -> bool:
    """Return True for the `automations_session` of Prefect 3.8, and False for that of 3.9, whose callers pass more."""
    return "with_for_update" not in signature(session).parameters


def main() -> None:
    """Do what `prefect server start` does. Return when the server has ended."""
    gc.disable()

    import prefect.server.api.server  # noqa: F401  # so that it is among the frozen modules
    from prefect.cli import app
    from prefect.server.events import triggers

    gc.collect()
    gc.freeze()
    threading.Thread(target=collect, name="garbage", daemon=True).start()

    if reads_before_it_writes(triggers.automations_session):
        triggers.automations_session = automations_session  # type: ignore[assignment]
    sys.argv = ["prefect", "server", "start"]
    app()


if __name__ == "__main__":
    main()
