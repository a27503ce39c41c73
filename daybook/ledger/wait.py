"""Wait until an interval of a table is loaded, no matter which run loads it."""

import time
from datetime import date, datetime, timedelta

from daybook.errors import IntervalError, NotLoadedInTime
from daybook.ledger.interval_status import read_statuses
from daybook.ledger.ledger import LedgerRow
from daybook.model.table_spec import TableSpec
from daybook.warehouses.base import Warehouse


def wait_until_loaded(
    table: TableSpec,
    when: date | datetime,
    warehouse: Warehouse,
    timeout: timedelta,
    poll: timedelta = timedelta(seconds=15),
) -> LedgerRow:
    """Wait for the interval that starts at `when` (as in `Grid.at`), and return its ledger entry.

    Reads the ledger every `poll`, at least once, for up to `timeout`.

    Raises:
        IntervalError: the table has no intervals, or `when` is not the start of one.
        NotLoadedInTime: the interval was not loaded within `timeout`.
        LoadFailed: the ledger could not be read.
    """
    if table.grid is None:
        raise IntervalError(f"{table.name} has no intervals, so there is nothing to wait for")
    interval, deadline = table.grid.at(when), time.monotonic() + timeout.total_seconds()
    while True:
        (found,) = read_statuses(warehouse, table, [interval])
        if found.entry:
            return found.entry
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotLoadedInTime(
                f"{table.name} {table.grid.label(interval)} was not loaded within {timeout}: check its runs, or set a "
                "longer timeout" + (f". Its last run failed: {found.failure.error}" if found.failure else "")
            )
        time.sleep(min(poll.total_seconds(), left))
