"""The cursor of a table: the column that assigns rows to intervals, and its SQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeVar

from daybook.errors import SourceError
from daybook.model.interval import Interval, merged
from daybook.model.timezones import find_zone, local_start, start_of_day
from daybook.model.types import Type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The cursor column of a table, with its type in the database that compares it.

    `timezone` is the zone of values without one. It does not matter for instants (`timestamptz`).
    """

    column: str
    type: Type
    timezone: str
    table: str = field(default="", compare=False)
    """The name of the table, for errors. Without it, the caller names the table."""

    def bound(self, instant: datetime) -> date | datetime:
        """Convert an instant in UTC to a value of the column's type: an instant, a local time, or a date.

        Raises:
            SourceError: the column is not a date or time, or is a DATE and no day of `timezone` starts at the instant.
        """
        if self.type.kind == "timestamptz":
            return instant.astimezone(UTC)
        if self.type.kind not in ("timestamp", "date"):
            raise SourceError(
                f"{self._named} is of type {self.type}, and only a date, timestamp or timestamptz can assign "
                "rows to intervals; set cursor: to such a column"
            )
        local = local_start(instant, self.timezone)
        if self.type.kind == "timestamp":
            return local
        if start_of_day(local.date(), find_zone(self.timezone)) == instant:
            return local.date()
        raise SourceError(
            f"{self._named} is a date, and an interval that starts at {local} in {self.timezone} would split "
            "a day; use interval: day, week or month in the time zone of these dates"
        )

    @property
    def _named(self) -> str:
        return f"{self.table}: cursor {self.column!r}" if self.table else f"cursor {self.column!r}"

    def within_sql(self, column: str, intervals: Iterable[Interval]) -> tuple[str, list[date | datetime]]:
        """Return an SQL condition for the rows in `intervals`, and its bind values. `column` is quoted."""
        ranges = merged(intervals)
        values = [self.bound(instant) for one in ranges for instant in (one.start, one.end)]
        conditions = [f"({column} >= %s AND {column} < %s)"] * len(ranges)
        return f"({' OR '.join(conditions) or 'FALSE'})", values

    def bucket_sql(self, column: str, boundaries: Sequence[datetime]) -> tuple[str, list[date | datetime]]:
        """Return an SQL expression for the number of each row's interval, and its bind values, in order.

        `column` is the quoted column. `boundaries` are the n + 1 instants that bound n adjacent intervals. Rows of the
        first interval get 0, rows before it -1, rows after the last interval n, and rows without a cursor NULL.

        The expression is a search tree of plain comparisons. Every engine computes the same result with about log2(n)
        comparisons per row, even if the clock of the zone was shifted.
        """
        return numbered_sql(column, [self.bound(boundary) for boundary in boundaries])


def numbered_sql(column: str, boundaries: Sequence[T]) -> tuple[str, list[T]]:
    """Return an SQL expression for the number of each row's range, as in `Cursor.bucket_sql`, and its bind values.

    `boundaries` are the dates, times or numbers that the quoted `column` is compared with, in order.
    """
    values: list[T] = []

    def tree(low: int, high: int) -> str:
        if low == high:
            return str(low - 1)
        middle = (low + high) // 2
        values.append(boundaries[middle])
        left = tree(low, middle)
        return f"CASE WHEN {column} < %s THEN {left} ELSE {tree(middle + 1, high)} END"

    expression = tree(0, len(boundaries))
    return f"CASE WHEN {column} IS NOT NULL THEN {expression} END", values
