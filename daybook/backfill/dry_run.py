"""What a backfill would do, before it does it: for every interval, the rows at the source and those by the ledger."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daybook.audit.interval_audit import Audited
from daybook.audit.verdict import Verdict
from daybook.definitions.table import Table
from daybook.errors import ExtractFailed, SourceLost, Uncountable
from daybook.ledger.interval_status import BackfillSelection, IntervalStatus
from daybook.load.owed_intervals import with_sessions
from daybook.model.interval import Interval
from daybook.sources.base import ConnectionProvider
from daybook.sql.retries import with_retries

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Forecast:
    """An interval, whether it would be loaded, and its rows at the source now.

    `at_source` is None where the source cannot be counted. `by_ledger` is how many there were when it was loaded: 0
    where it never was, None where a full refresh loaded it, which has one number for all of its intervals, and no audit
    tells them apart.
    """

    standing: IntervalStatus
    chosen: bool
    at_source: int | None
    by_ledger: int | None
    audited: Audited | None = None
    """What an audit says of it, where the source can be audited: which rows an exact load would add, change, remove."""

    @property
    def action(self) -> str:
        """What would happen: load, load again, leave."""
        if not self.chosen:
            return "leave"
        return "load again" if self.standing.entry else "load"

    @property
    def difference(self) -> int | None:
        """How many rows more (or fewer) there are at the source than by the ledger; None where it cannot say."""
        return None if self.by_ledger is None or self.at_source is None else self.at_source - self.by_ledger


def forecast(
    table: Table,
    standings: Sequence[IntervalStatus],
    select: BackfillSelection,
    keys: ConnectionProvider,
    audited: Mapping[Interval, Audited] | None = None,
) -> list[Forecast]:
    """What a backfill of these intervals, which are neighbours in order, would do.

    `audited` is what an audit has just found of each; without it the source's cursor is read, to count its rows.

    Raises:
        SourceError: the source cannot be read as the table file says.
        ExtractFailed: its database failed.
    """
    intervals, found = [standing.interval for standing in standings], audited or {}
    if audited is None:
        counts = _counts(table, intervals, keys)
    else:
        counts = {interval: one.source.rows for interval, one in audited.items()}
    unequal = {interval for interval, one in found.items() if one.verdict is not Verdict.EQUAL}
    chosen = [standing.interval for standing in standings if standing.chosen_by(select, standing.interval in unequal)]
    wanted = set(with_sessions(table, chosen))
    return [
        Forecast(
            standing,
            standing.interval in wanted,
            counts.get(standing.interval),
            _by_ledger(standing, found.get(standing.interval)),
            found.get(standing.interval),
        )
        for standing in standings
    ]


def _by_ledger(standing: IntervalStatus, audited: Audited | None) -> int | None:
    """Of what a full refresh has loaded, an audit may tell the intervals apart."""
    return audited.rows_by_ledger if standing.rows is None and audited else standing.rows


def _counts(table: Table, intervals: Sequence[Interval], keys: ConnectionProvider) -> dict[Interval, int]:
    def count() -> dict[Interval, int]:
        with table.source.open(table, keys) as source:
            try:
                counted: dict[Interval, int] = source.counts(intervals)
            except Uncountable as reason:
                logger.info("%s", reason)
                return {}
            return counted

    what = f"{table.name}: counting the source's rows"
    return with_retries(count, what=what, failed=ExtractFailed, lost=SourceLost)
