"""The dry run of a backfill: for each interval, the planned action and the row counts of source and ledger."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daybook.audit.interval_audit import Audited
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import ExtractFailed, SourceLost, Uncountable
from daybook.ledger.interval_status import BackfillSelection, IntervalStatus
from daybook.load.planning.owed_intervals import with_sessions
from daybook.model.interval import Interval
from daybook.sources.base import ConnectionProvider
from daybook.sql.retries import with_retries

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Forecast:
    """One interval of a dry run. `chosen` is True if the backfill would load it.

    `at_source` is the source's row count now, or None if its rows cannot be counted. `by_ledger` is the row count of
    the last load, or 0 if the interval was never loaded. After a full refresh, which records one row count for all
    intervals, it is None, unless an audit has the row count of each.
    """

    status: IntervalStatus
    chosen: bool
    at_source: int | None
    by_ledger: int | None
    audited: Audited | None = None
    """The audit of the interval, if the source can be audited: the rows that a load would add, change and remove."""

    @property
    def action(self) -> str:
        """Return the planned action: load, reload or skip."""
        if not self.chosen:
            return "skip"
        return "reload" if self.status.entry else "load"

    @property
    def difference(self) -> int | None:
        """Return the source's row count minus the ledger's, or None if one of them is unknown."""
        return None if self.by_ledger is None or self.at_source is None else self.at_source - self.by_ledger


def forecast(
    table: Table,
    statuses: Sequence[IntervalStatus],
    select: BackfillSelection,
    keys: ConnectionProvider,
    audited: Mapping[Interval, Audited] | None = None,
) -> list[Forecast]:
    """Return the dry run of a backfill.

    Args:
        table: the table.
        statuses: the status of each interval: adjacent intervals, in order.
        select: the intervals that the backfill would choose.
        keys: opens the source.
        audited: the result of an audit of each interval. Without it, the source counts its rows.

    Raises:
        SourceError: the source does not match the table file.
        ExtractFailed: the source database failed.
    """
    intervals, found = [status.interval for status in statuses], audited or {}
    if audited is None:
        counts = count_rows(table, intervals, keys) or {}
    else:
        counts = {interval: one.source.rows for interval, one in audited.items()}
    unequal = {interval for interval, one in found.items() if one.verdict is not Verdict.EQUAL}
    chosen = [status.interval for status in statuses if status.chosen_by(select, status.interval in unequal)]
    wanted = set(with_sessions(table, chosen))
    return [
        Forecast(
            status,
            status.interval in wanted,
            counts.get(status.interval),
            _by_ledger(status, found.get(status.interval)),
            found.get(status.interval),
        )
        for status in statuses
    ]


def _by_ledger(status: IntervalStatus, audited: Audited | None) -> int | None:
    """Return the ledger's row count. After a full refresh only an audit has it per interval."""
    return audited.rows_by_ledger if status.rows is None and audited else status.rows


def count_rows(table: Table, intervals: Sequence[Interval], keys: ConnectionProvider) -> dict[Interval, int] | None:
    """Return the source's row count of each interval that has rows, or None if the source cannot count.

    Raises:
        SourceError: the source does not match the table file.
        ExtractFailed: the source database failed.
    """

    def count() -> dict[Interval, int] | None:
        with table.source.open(table, keys) as source:
            try:
                counted: dict[Interval, int] = source.counts(intervals)
            except Uncountable as reason:
                logger.info("%s", reason)
                return None
            return counted

    what = f"{table.name}: counting the source's rows"
    return with_retries(count, what=what, failed=ExtractFailed, lost=SourceLost)
