"""Find the intervals that lose or gain rows in a load of other intervals: incremental summaries must rebuild them, too.

Daybook computes the intervals in SQL, so memory grows with their number and not with the number of rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from daybook.ledger.moves import MovedInterval, Unplaced
from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.model.interval_grid import Grid
from daybook.model.target import Target
from daybook.model.timezones import find_zone
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

#: Cursors outside of these years (infinity, 0001-01-01) have no interval. Python cannot hold them all.
_FIRST, _LAST = datetime(3, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class MovedIntervals:
    """The rows of `target` that a load of the intervals `loaded` changes outside of these. `grid` is the table's.

    Call `lost` and `gained` for each temporary table of the load, then `find`, before the load changes the table.
    """

    warehouse: Warehouse
    target: Target
    grid: Grid
    loaded: Sequence[Interval]
    _selects: list[str] = field(default_factory=list)
    _values: list[Any] = field(default_factory=list)

    def lost(self, other: str, condition: str) -> None:
        """Add the rows that the load removes: those that match a row of `other` (quoted) by `condition`."""
        table = self.warehouse.table(self.target.name)
        self._add(table, f"{table} JOIN {other} ON {condition}")

    def gained(self, staged: str) -> None:
        """Add the rows that the load inserts: those of `staged` (quoted)."""
        self._add(staged, staged)

    def find(self, session: Session) -> set[MovedInterval]:
        """Return the intervals of these rows, with one query. None stands for a cursor that has no interval."""
        if not self._selects:
            return set()
        cursor, grid = self._cursor, self.grid
        span = Interval(grid.containing(_FIRST).start, grid.containing(_LAST).start)
        known, bounds = cursor.within_sql("moment", [span])
        bucket = "date_trunc('hour', placed)" if grid.unit == "hour" else "CAST(placed AS date)"
        found = session.stream(
            "SELECT min(placed), max(placed), count(*), count(moment) "
            f"FROM (SELECT moment, CASE WHEN {known} THEN moment END AS placed "
            f"FROM ({' UNION ALL '.join(self._selects)}) AS moved) AS dated GROUP BY {bucket}",
            [*bounds, *self._values],
        )
        return {interval for low, high, *counts in found for interval in self._between(low, high, *counts)}

    @property
    def _cursor(self) -> Cursor:
        assert self.target.cursor is not None
        return self.target.cursor

    def _add(self, table: str, rows: str) -> None:
        column = f"{table}.{self.warehouse.quote(self._cursor.column)}"
        within, values = self._cursor.within_sql(column, self.loaded)
        self._selects.append(f"SELECT {column} AS moment FROM {rows} WHERE {column} IS NULL OR NOT {within}")
        self._values += values

    def _between(self, low: date | None, high: date | None, rows: int, dated: int) -> Iterator[MovedInterval]:
        """Yield the intervals from that of the cursor value `low` to that of `high`, which are in one day or hour.

        Without these values, none of the `rows` has an interval: those that are not `dated` have no cursor.
        """
        if low is None or high is None:
            if dated:
                yield None
            if dated < rows:
                yield Unplaced.WITHOUT_CURSOR
            return
        interval, last = interval_of(self._cursor, self.grid, low), interval_of(self._cursor, self.grid, high)
        while interval.start < last.start:
            yield interval
            interval = self.grid.next(interval)
        yield last


def interval_of(cursor: Cursor, grid: Grid, value: date) -> Interval:
    """Return the interval of `grid` that contains a value of the cursor, as `Cursor.within_sql` compares them."""
    found = _moment(value)
    instant = found if found.tzinfo else found.replace(tzinfo=find_zone(cursor.timezone))
    interval = grid.containing(instant.astimezone(UTC))
    while _moment(cursor.bound(interval.end)) <= found:
        interval = grid.next(interval)
    while _moment(cursor.bound(interval.start)) > found:
        interval = grid.previous(interval)
    return interval


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())
