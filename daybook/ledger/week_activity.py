"""The activity of many tables in one week, from the ledger and the failures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from daybook.ledger import failures, ledger
from daybook.ledger.state_table import StateTable
from daybook.model.interval import Interval
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


class Cover(NamedTuple):
    """A loaded range of a table, and its first commit, in UTC. `start` is None for a full refresh without a start."""

    start: datetime | None
    end: datetime
    loaded_at: datetime


class Commit(NamedTuple):
    """A load of a table: the time of its commit, and the end of its last interval, in UTC."""

    loaded_at: datetime
    until: datetime


@dataclass(slots=True)
class WeekActivity:
    """The activity of one table in one week. Instants are in UTC."""

    known_since: datetime | None = None
    """The time of the first commit or failure ever, or None if nothing has run yet."""
    before: datetime | None = None
    """The end of the newest interval that was loaded when the week began, or None if the table was not loaded yet."""
    commits: list[Commit] = field(default_factory=list)
    """The week's loads."""
    covers: list[Cover] = field(default_factory=list)
    """The loaded ranges that overlap the week, no matter when they were loaded."""
    committed: set[str] = field(default_factory=set)
    """The flow runs that committed in the week."""
    failed: set[str] = field(default_factory=set)
    """The flow runs that failed in the week."""


def read_week(session: Session, warehouse: Warehouse, tables: Sequence[str], week: Interval) -> dict[str, WeekActivity]:
    """Return the activity of each of `tables` in `week`. It takes five queries for any number of tables."""
    found = {table: WeekActivity() for table in tables}
    if not found:
        return found
    loads = StateTable(warehouse, "ledger", ledger.COLUMNS)
    failed_runs = StateTable(warehouse, "failures", failures.COLUMNS)
    of_tables = f"table_name IN ({', '.join(['%s'] * len(found))})"

    def read(source: StateTable, add: Callable[..., None], columns: str, rest: str, *values: Any) -> None:
        statement = f"SELECT table_name, {columns} FROM {source.table} WHERE {of_tables} {rest}"
        source.read(session, lambda table, *row: add(found[table], *row), statement, (*found, *values))

    moments = (week.start, week.end)
    read(loads, _add_earlier, "min(loaded_at), max(interval_end)", "AND loaded_at < %s GROUP BY table_name", week.start)
    read(
        loads,
        _add_commit,
        "flow_run_id, max(loaded_at), max(interval_end)",
        "AND loaded_at >= %s AND loaded_at < %s AND strategy <> %s GROUP BY table_name, load_id, flow_run_id",
        *moments,
        ledger.CLOSED,
    )
    read(
        loads,
        lambda activity, *row: activity.covers.append(Cover(*row)),
        "interval_start, interval_end, min(loaded_at)",
        "AND interval_end > %s AND (interval_start IS NULL OR interval_start < %s) "
        "GROUP BY table_name, interval_start, interval_end",
        *moments,
    )
    read(
        failed_runs,
        lambda activity, run: activity.failed.add(run),
        "flow_run_id",
        "AND failed_at >= %s AND failed_at < %s",
        *moments,
    )
    read(failed_runs, _add_moment, "min(failed_at)", "AND failed_at < %s GROUP BY table_name", week.end)
    for activity in found.values():
        activity.failed.discard(None)  # a failure outside of any flow run
    return found


def _add_earlier(activity: WeekActivity, first: datetime, until: datetime) -> None:
    _add_moment(activity, first)
    activity.before = until


def _add_commit(activity: WeekActivity, flow_run_id: str | None, loaded_at: datetime, until: datetime) -> None:
    _add_moment(activity, loaded_at)
    activity.commits.append(Commit(loaded_at, until))
    if flow_run_id:
        activity.committed.add(flow_run_id)


def _add_moment(activity: WeekActivity, moment: datetime) -> None:
    activity.known_since = moment if activity.known_since is None else min(activity.known_since, moment)
