"""The table `daybook.key_metrics` in the warehouse: one row per table and week, for BI tools."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple
from datetime import date

from daybook.ledger.state_table import SCHEMA, StateTable
from daybook.monitoring.key_metrics.weekly_metrics import Metrics
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "week_start": "date NOT NULL",
    "table_name": "varchar(255) NOT NULL",
    "owner": "varchar(255) NOT NULL",
    "core": "boolean NOT NULL",
    "runs": "bigint",
    "runs_failed": "bigint",
    "failed_share": "double precision",
    "runs_from": "varchar(16)",
    "intervals_due": "bigint",
    "intervals_in_time": "bigint",
    "sla_attainment": "double precision",
    "incidents": "bigint NOT NULL",
    "minutes_to_recovery": "double precision",
    "slowest_recovery": "double precision",
    "freshness_minutes": "double precision",
    "oldest_minutes": "double precision",
    "computed_at": "timestamptz NOT NULL",
}


class KeyMetrics:
    """The table `daybook.key_metrics` of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "key_metrics", COLUMNS)
        self._warehouse = warehouse

    def replace(self, session: Session, metrics: Iterable[Metrics]) -> None:
        """Replace the rows of the same tables and weeks, in one transaction.

        Rows of a table whose file was deleted are kept.
        """
        weeks = defaultdict(list)
        for row in metrics:
            weeks[row.week_start].append(row)
        self._state_table.ensure(session)
        with session.undone_on_error():
            self._warehouse.begin_locked(session, f"{SCHEMA}.key_metrics")
            for week, rows in weeks.items():
                places = ", ".join(["%s"] * len(rows))
                session.run(
                    f"DELETE FROM {self._state_table.table} WHERE week_start = %s AND table_name IN ({places})",
                    (week, *(row.table for row in rows)),
                )
                self._state_table.append(session, [astuple(row) for row in rows])
            session.run("COMMIT")

    def since(self, session: Session, week_start: date) -> list[Metrics]:
        """Return all rows from this week on, the oldest week first, then by table."""
        return self._state_table.read(
            session,
            Metrics,
            f"SELECT {self._state_table.names} FROM {self._state_table.table} "
            "WHERE week_start >= %s ORDER BY week_start, table_name",
            (week_start,),
        )
