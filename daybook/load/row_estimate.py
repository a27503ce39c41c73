"""How many rows a load will probably have, by the loads of its table before it: one cheap query of the ledger."""

from daybook.ledger.ledger import COLUMNS
from daybook.ledger.state_table import StateTable
from daybook.load.plan import Plan
from daybook.strategies.registry import WHOLE_TABLE
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

_LAST = 30  # intervals: a month of days says what the next day has


def expected_rows(session: Session, warehouse: Warehouse, plan: Plan) -> int | None:
    """Those of the newest load of the whole table, or the mean of the last intervals times the number of the plan's.

    None where the ledger has no such load. What it gives is for people: a guess at when an extraction ends.
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
