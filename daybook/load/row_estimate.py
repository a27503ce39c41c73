"""Estimate the rows of a load from earlier loads of its table, with one cheap query of the ledger."""

from daybook.ledger.ledger import COLUMNS
from daybook.ledger.state_table import StateTable
from daybook.load.plan import Plan
from daybook.strategies.registry import WHOLE_TABLE
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

_LAST = 30  # intervals: a month of days says what the next day has


def expected_rows(session: Session, warehouse: Warehouse, plan: Plan) -> int | None:
    """Return the number of rows that the load will probably have, or None if the ledger has no load to go by.

    For a whole table, it is the number of the newest full refresh. For intervals, it is the mean of the last ones times
    the number of intervals in the plan. It helps people guess when an extraction ends.
    """
    ledger = StateTable(warehouse, "ledger", COLUMNS)
    of_all = "=" if plan.whole else "<>"
    statement = (
        f"SELECT rows_loaded FROM {ledger.table} WHERE table_name = %s AND strategy {of_all} %s "
        f"ORDER BY loaded_at DESC, interval_start DESC LIMIT {1 if plan.whole else _LAST}"
    )
    rows = ledger.read(session, int, statement, (plan.table.name, WHOLE_TABLE.name))
    if not rows:
        return None
    return rows[0] if plan.whole else round(sum(rows) / len(rows) * len(plan.intervals))
