"""Estimate the rows of a load from earlier loads of its table, with one cheap query of the ledger."""

from daybook.ledger.ledger import Ledger
from daybook.load.planning.plan import Plan
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

_LAST = 30  # intervals: the days of a month predict the next day


def expected_rows(session: Session, warehouse: Warehouse, plan: Plan) -> int | None:
    """Return the number of rows that the load will probably have, or None if the ledger has no earlier load.

    For a whole table, it is the row count of the newest full refresh. For intervals, it is the mean row count of the
    last ones, times the number of intervals in the plan. Progress displays use it to estimate the end of an extraction.
    """
    most = 1 if plan.whole else _LAST
    rows = Ledger(warehouse).recent_rows(session, plan.table.name, full_refreshes=plan.whole, most=most)
    if not rows:
        return None
    return rows[0] if plan.whole else round(sum(rows) / len(rows) * len(plan.intervals))
