"""Run Prefect's server with fixes for two of its problems on SQLite.

Its garbage is collected in a thread of its own. Left to itself Python collects it wherever it is just then, in the
server's event loop too. A cursor of SQLite's among it is freed once its connection is. That one may wait to write until
another's transaction is over, and that transaction waits for the event loop: nothing goes on until SQLite has waited
for its minute. On a busy machine this happens every few minutes; requests fail then, and runs are made twice.

The transaction in which an event meets the automations begins as one that writes. Prefect 3.8.8 begins it as one that
reads, and then writes: SQLite refuses that at once when anybody has written meanwhile, however long it may wait. After
four such tries the event is put aside (PREFECT_HOME/dlq), no automation runs, and a failure is told a quarter of an
hour later only, by the monitor's next pass. The rule: https://www.sqlite.org/rescode.html#busy_snapshot.
"""

import gc
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

PAUSE = 1.0  # seconds between two collections of what is new
ALL = 60  # every so many times, of what is old, too: that takes half a second


def collect() -> None:
    """Collect garbage for ever."""
    for count in range(1, sys.maxsize):
        time.sleep(PAUSE)
        gc.collect(1 if count % ALL else 2)


@asynccontextmanager
async def automations_session(*, begin_transaction: bool = False) -> AsyncIterator["AsyncSession"]:
    """As `prefect.server.events.triggers.automations_session`, but a transaction of it waits for its turn to write."""
    from prefect.server.database import provide_database_interface

    database = provide_database_interface()
    async with database.session_context(begin_transaction, with_for_update=begin_transaction) as session:
        yield session


def main() -> None:
    """What `prefect server start` does. Returns when the server ends."""
    gc.disable()
    threading.Thread(target=collect, name="garbage", daemon=True).start()

    from prefect.cli import app
    from prefect.server.events import triggers

    triggers.automations_session = automations_session  # type: ignore[assignment]
    sys.argv = ["prefect", "server", "start"]
    app()


if __name__ == "__main__":
    main()
