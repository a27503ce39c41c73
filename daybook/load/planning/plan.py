"""Plan a run: some intervals of a table, or the whole table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from daybook.definitions.table import Table
from daybook.errors import IntervalError
from daybook.load.planning.scattered import MAX_SCATTERED, label_of
from daybook.model.interval import Interval, merged
from daybook.model.interval_grid import Grid
from daybook.sources.base import Span
from daybook.strategies.base import Strategy
from daybook.strategies.registry import EXACT_INTERVALS, WHOLE_TABLE

#: The most intervals whose checksums a full refresh records: every 500 of them take one scan of all staged rows.
MAX_CHECKSUMMED_INTERVALS = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one run."""

    table: Table
    intervals: tuple[Interval, ...]
    """The intervals to load, in order. There may be gaps between them. Empty if `whole` is true or nothing is due."""
    whole: bool
    """Load the whole table."""
    allow_shrink: bool = False
    """Skip the shrink guard."""
    by_schedule: bool = False
    """The run was started without a date: its interval is the last one that was complete at the scheduled time."""
    forced: bool = False
    """A full refresh was requested: read the source even if it reports no change."""
    exact: bool = False
    """Remove rows that the source no longer has from the intervals, even if the table's strategy would leave them."""
    refill: bool = False
    """A backfill started the run: it may begin to load a table again that has lost its rows."""
    closed: Interval | None = None
    """The interval that was due by schedule, if the exchange had no session in it. There is nothing to load then."""

    @property
    def strategy(self) -> Strategy:
        """The strategy of this load: whole tables and exact intervals are always replaced."""
        return WHOLE_TABLE if self.whole else EXACT_INTERVALS if self.exact else self.table.strategy

    @property
    def stretches(self) -> list[Interval]:
        """The ranges that the intervals cover, in order: one for each group of neighbours."""
        return merged(self.intervals)

    @property
    def range(self) -> Interval | None:
        """The range from the first interval's start to the last one's end; None for a whole table.

        If the intervals are scattered, it has others, too, which the load must not touch: see `stretches`.
        """
        return Interval(self.intervals[0].start, self.intervals[-1].end) if self.intervals else None

    @property
    def start(self) -> datetime | None:
        """The start of the first interval that a full refresh covers, by the table's `start`; None without one."""
        grid, start = self.table.grid, self.table.start
        return grid.first(start).start if grid and start and self.table.cursor else None

    @property
    def spans(self) -> list[Span]:
        """The ranges of rows to read from the source. A full refresh takes all of them, also those before `start`."""
        if self.intervals:
            return [Span(stretch.start, stretch.end) for stretch in self.stretches]
        return [Span(self.start) if self.table.source.from_start else Span()]

    @property
    def label(self) -> str:
        """The plan in words: "2021-02-05", "2021-02-05 until 2021-03-01", "all of it", "nothing yet".

        Scattered intervals are "2021-02-05, 2021-03-01 until 2021-03-04".
        """
        if self.closed:
            return f"{self.table.label([self.closed])}, closed"
        if not self.intervals:
            return "all of it" if self.whole else "nothing yet"
        assert self.table.grid is not None
        return label_of(self.table.grid, self.intervals)

    @property
    def idle(self) -> str | None:
        """The reason why there is nothing to load, or None if there is something."""
        if self.closed:
            return f"{self.table.calendar} had no session"
        if not self.intervals and not self.whole:
            return f"nothing is due yet: it starts on {self.table.start}"
        return None


def plan(
    table: Table,
    execution_date: date | datetime | None = None,
    until: date | datetime | None = None,
    full_refresh: bool = False,
    *,
    scheduled_at: datetime | None = None,
    allow_shrink: bool = False,
    allow_before_start: bool = False,
    exact: bool = False,
    refill: bool = False,
    intervals: Sequence[date | datetime] | None = None,
) -> Plan:
    """Return the plan of a run.

    Without `execution_date`, `intervals` and `full_refresh`, the plan has the last interval that was complete at
    `scheduled_at`. It is empty if the interval at the table's `start` was not over by then, or if the exchange of its
    `calendar` was closed. A table without intervals is always loaded whole.

    Args:
        table: the table to load.
        execution_date: the start of the interval, or of the first interval of a range. A datetime without a time zone
            is in the table's time zone.
        until: the exclusive end of a range of intervals.
        full_refresh: load the whole table.
        scheduled_at: the scheduled time, an aware datetime. The default is now.
        allow_shrink: skip the shrink guard.
        allow_before_start: accept intervals before the table's `start`.
        exact: replace the intervals whatever the table's strategy is, so that rows which are gone from the source are
            removed.
        refill: begin to load a table again that has lost its rows: the ledger's earlier entries no longer count.
        intervals: instead of a range, the starts of intervals that need not be neighbours, in any order.

    Raises:
        IntervalError: the dates are off the table's grid, inverted, before its `start` or not over yet, or the table
            has no intervals. The message says what to pass instead.
    """
    now = datetime.now(UTC)
    grid = table.load_grid
    if intervals is not None:
        _check_intervals(table, intervals, execution_date, until, full_refresh)
    if until is not None and execution_date is None:
        raise IntervalError(f"{table.name}: until={until} needs execution_date: the first interval of the range")
    if grid is None:
        if execution_date is not None or intervals is not None:
            given = "execution_date" if intervals is None else "intervals"
            raise IntervalError(
                f"{table.name} has load: {table.load}, so it is always loaded whole and has no interval "
                f"{execution_date if intervals is None else intervals[0]}: leave {given} out"
            )
        return Plan(table, (), True, allow_shrink, forced=full_refresh)
    if full_refresh:
        if execution_date is not None:
            raise IntervalError(
                f"{table.name}: full_refresh loads the whole table, and execution_date={execution_date} only a part: "
                "pass only one of them"
            )
        return Plan(table, (), True, allow_shrink, forced=True)
    try:
        first = grid.first(table.start) if table.start is not None else None
        if execution_date is None and intervals is None:
            newest = grid.last_complete(scheduled_at or now)
            due = () if first and newest.start < first.start else (newest,)
            if due and not table.expects(newest):
                return Plan(table, (), False, by_schedule=True, closed=newest)
            return Plan(table, due, False, allow_shrink, by_schedule=True, exact=exact)
        chosen = _chosen(grid, execution_date, until, intervals)
    except IntervalError as error:
        raise IntervalError(f"{table.name}: {error}") from None
    if first and chosen[0].start < first.start and not allow_before_start:
        raise IntervalError(
            f"{table.name}: {grid.label(chosen[0])} is before the table's start, {grid.label(first)}: choose a "
            "later date, change start: in the table file, or set allow_before_start"
        )
    if chosen[-1].end > now:
        newest = grid.last_complete(now)
        raise IntervalError(
            f"{table.name}: {grid.label(chosen[-1])} is not over before {chosen[-1].end:%Y-%m-%d %H:%M} UTC. The "
            f"last complete {grid.unit} is {grid.label(newest)}"
            + (f", so pass until={grid.until(newest)} at most" if until is not None else "")
        )
    return Plan(table, chosen, False, allow_shrink, exact=exact, refill=refill)


def _check_intervals(
    table: Table,
    intervals: Sequence[date | datetime],
    execution_date: date | datetime | None,
    until: date | datetime | None,
    full_refresh: bool,
) -> None:
    others = {"execution_date": execution_date, "until": until, "full_refresh": full_refresh or None}
    if given := [name for name, value in others.items() if value is not None]:
        raise IntervalError(
            f"{table.name}: intervals names the intervals to load, so {given[0]}={others[given[0]]} cannot be passed, "
            "too: pass only one of them"
        )
    if not intervals:
        raise IntervalError(f"{table.name}: intervals is empty: name at least one, such as 2021-02-05, or leave it out")
    if len(intervals) > MAX_SCATTERED:
        raise IntervalError(
            f"{table.name}: intervals names {len(intervals):,}, and one run loads at most {MAX_SCATTERED:,}: pass a "
            "range with execution_date and until, or use a backfill, which starts as many runs as it needs"
        )


def _chosen(
    grid: Grid,
    execution_date: date | datetime | None,
    until: date | datetime | None,
    intervals: Sequence[date | datetime] | None,
) -> tuple[Interval, ...]:
    """Return the intervals that the dates name, in order."""
    if execution_date is None:
        return tuple(sorted({grid.at(when) for when in intervals or ()}))
    return (grid.at(execution_date),) if until is None else tuple(grid.between(execution_date, until))


def intervals_within(plan: Plan, snapshot_at: datetime) -> list[Interval]:
    """Return the intervals of a full refresh that were over at the snapshot.

    The list is empty if there are more than MAX_CHECKSUMMED_INTERVALS, or if the table has no intervals.
    """
    grid, start = plan.table.load_grid, plan.table.start
    if not plan.whole or grid is None or start is None or plan.table.cursor is None:
        return []
    intervals = grid.due(start, snapshot_at)
    return intervals if len(intervals) <= MAX_CHECKSUMMED_INTERVALS else []
