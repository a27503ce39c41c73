"""Failures: a row of `daybook.failures` for each run of a table or summary that ended without a commit.

The ledger records what was loaded; this table records what failed, and why. Like the ledger, it outlives Prefect's
database. A run that cannot reach the warehouse leaves no row.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daybook.ledger import ledger
from daybook.ledger.state_table import StateTable, storable
from daybook.model.interval import Interval
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "table_name": "varchar(255) NOT NULL",
    "interval_start": "timestamptz NOT NULL",
    "interval_end": "timestamptz NOT NULL",
    "flow_run_id": "varchar(64)",
    "failed_at": "timestamptz NOT NULL",
    "error": "varchar(4000) NOT NULL",
    "error_class": "varchar(255)",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run: the range of intervals that it tried to load, the time of the failure, and the error."""

    table: str
    stretch: Interval | None
    """None: the whole table, or a summary. Its row has the time of the failure as both ends."""
    flow_run_id: str | None
    failed_at: datetime
    error: str
    error_class: str | None = None
    """The class name of the exception. None if the process of the run was killed."""


class Failures:
    """The table `daybook.failures` of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse, self._state_table = warehouse, StateTable(warehouse, "failures", COLUMNS)

    def record(self, session: Session, *failures: Failure) -> None:
        """Add failures. Their texts are truncated to the length of the column."""
        self._state_table.ensure(session)
        self._state_table.append(session, [_row(failure) for failure in failures])

    def within(self, session: Session, table: str, span: Interval) -> list[Failure]:
        """Return the failures of intervals of `table` that overlap `span`, oldest first."""
        return self._state_table.read(
            session,
            lambda name, start, end, *rest: Failure(name, Interval(start, end), *rest),
            f"SELECT {self._state_table.names} FROM {self._state_table.table} "
            "WHERE table_name = %s AND interval_end > %s AND interval_start < %s AND interval_start < interval_end "
            "ORDER BY failed_at",
            (table, span.start, span.end),
        )

    def first_since_commit(self, session: Session) -> dict[str, datetime]:
        """Return the time of the first failure of each table after its last commit. Omit tables without one.

        The reset of a table is a commit, too. It takes three queries for any number of tables.
        """
        commits = _last_of_each(StateTable(self._warehouse, "ledger", ledger.COLUMNS), session, "loaded_at")
        last = _last_of_each(self._state_table, session, "failed_at")
        failing = [name for name, at in last.items() if name not in commits or at > commits[name]]
        if not failing:
            return {}
        statement = (
            f"SELECT table_name, failed_at FROM {self._state_table.table} "
            f"WHERE table_name IN ({', '.join(['%s'] * len(failing))}) ORDER BY failed_at DESC"
        )
        found = self._state_table.read(session, lambda *row: row, statement, failing)
        return {name: at for name, at in found if name not in commits or at > commits[name]}  # the earliest comes last


def _last_of_each(state_table: StateTable, session: Session, column: str) -> dict[str, datetime]:
    statement = f"SELECT table_name, max({column}) FROM {state_table.table} GROUP BY table_name"
    return dict(state_table.read(session, lambda *row: row, statement, ()))


def _row(failure: Failure) -> tuple[Any, ...]:
    stretch, at = failure.stretch, failure.failed_at
    interval = (failure.table, stretch.start if stretch else at, stretch.end if stretch else at)
    return (*interval, failure.flow_run_id, failure.failed_at, storable(failure.error), failure.error_class)


def now(
    table: str, stretch: Interval | None, flow_run_id: str | None, error: str, error_class: str | None = None
) -> Failure:
    """Return a failure at the current time."""
    return Failure(table, stretch, flow_run_id, datetime.now(UTC), error, error_class)
