"""What the ledger and the book of failures say of a week, of all tables at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daybook.ledger import failures, ledger
from daybook.ledger.state_table import StateTable
from daybook.model.interval import Interval
from daybook.monitoring.key_metrics.lateness import Commit, Cover
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


@dataclass(slots=True)
class WeekActivity:
    """What the books say of one table in one week; instants are in UTC."""

    known_since: datetime | None = None
    """Its first commit or failed try, ever; None: nobody has tried."""
    before: datetime | None = None
    """How far it reached when the week began; None: it was not loaded yet."""
    commits: list[Commit] = field(default_factory=list)
    """The week's loads."""
    covers: list[Cover] = field(default_factory=list)
    """What touches the week, whenever it was loaded."""
    committed: set[str] = field(default_factory=set)
    """The flow runs that committed in the week."""
    failed: set[str] = field(default_factory=set)
    """The flow runs that failed in it."""


def read_week(session: Session, warehouse: Warehouse, tables: Sequence[str], week: Interval) -> dict[str, WeekActivity]:
    """A page for each of `tables`, by five queries."""
    found = {table: WeekActivity() for table in tables}
    if not found:
        return found
    loads, tries = StateTable(warehouse, "ledger", ledger.COLUMNS), StateTable(warehouse, "failures", failures.COLUMNS)
    some = f"table_name IN ({', '.join(['%s'] * len(found))})"

    def ask(book: StateTable, make: Callable[..., None], columns: str, rest: str, *values: Any) -> None:
        statement = f"SELECT table_name, {columns} FROM {book.table} WHERE {some} {rest}"
        book.read(session, lambda table, *row: make(found[table], *row), statement, (*found, *values))

    moments = (week.start, week.end)
    ask(loads, _reached, "min(loaded_at), max(interval_end)", "AND loaded_at < %s GROUP BY table_name", week.start)
    ask(
        loads,
        _committed,
        "flow_run_id, max(loaded_at), max(interval_end)",
        "AND loaded_at >= %s AND loaded_at < %s GROUP BY table_name, load_id, flow_run_id",
        *moments,
    )
    ask(
        loads,
        lambda page, *row: page.covers.append(Cover(*row)),
        "interval_start, interval_end, min(loaded_at)",
        "AND interval_end > %s AND (interval_start IS NULL OR interval_start < %s) "
        "GROUP BY table_name, interval_start, interval_end",
        *moments,
    )
    ask(
        tries, lambda page, run: page.failed.add(run), "flow_run_id", "AND failed_at >= %s AND failed_at < %s", *moments
    )
    ask(tries, _known, "min(failed_at)", "AND failed_at < %s GROUP BY table_name", week.end)
    for page in found.values():
        page.failed.discard(None)  # a failure that no flow run had
    return found


def _reached(page: WeekActivity, first: datetime, until: datetime) -> None:
    _known(page, first)
    page.before = until


def _committed(page: WeekActivity, flow_run_id: str | None, loaded_at: datetime, until: datetime) -> None:
    _known(page, loaded_at)
    page.commits.append(Commit(loaded_at, until))
    if flow_run_id:
        page.committed.add(flow_run_id)


def _known(page: WeekActivity, moment: datetime) -> None:
    page.known_since = moment if page.known_since is None else min(page.known_since, moment)
