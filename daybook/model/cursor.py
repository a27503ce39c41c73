"""The cursor of a table: which rows belong to which stretch of time, in SQL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from daybook.errors import SourceError
from daybook.model.interval import Interval, merged
from daybook.model.timezones import local_boundary
from daybook.model.types import Type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A column that says when a row belongs, its type where it is compared, and the zone that its clock shows.

    `timezone` is what a value without a zone means; it is not looked at for instants (`timestamptz`).
    """

    column: str
    type: Type
    timezone: str

    def bound(self, instant: datetime) -> date | datetime:
        """What to compare the column with, for an instant in UTC: an instant, a wall-clock time, or a date.

        Raises:
            SourceError: the column has no date or time, or is a DATE that the instant would cut in two.
        """
        if self.type.kind == "timestamptz":
            return instant.astimezone(UTC)
        if self.type.kind not in ("timestamp", "date"):
            raise SourceError(
                f"cursor {self.column!r} is of type {self.type}, and only a date, timestamp or timestamptz says to "
                "which interval a row belongs"
            )
        local = local_boundary(instant, self.timezone)
        if self.type.kind == "timestamp":
            return local
        if self.type.kind == "date" and (local.hour, local.minute, local.second) == (0, 0, 0):
            return local.date()
        raise SourceError(
            f"cursor {self.column!r} is a date, which an interval that begins at {local} in {self.timezone} would cut "
            "in two; use interval: day, week or month in the zone of that date"
        )

    def within_sql(self, column: str, intervals: Iterable[Interval]) -> tuple[str, list[date | datetime]]:
        """The condition that a row lies in one of these intervals, and its values to bind. `column` is quoted."""
        stretches = merged(intervals)
        values = [self.bound(instant) for stretch in stretches for instant in (stretch.start, stretch.end)]
        ranges = [f"({column} >= %s AND {column} < %s)"] * len(stretches)
        return f"({' OR '.join(ranges) or 'FALSE'})", values

    def bucket_sql(self, column: str, boundaries: Sequence[datetime]) -> tuple[str, list[date | datetime]]:
        """An expression that numbers the interval of each row, and its values to bind, in order.

        `column` is the quoted column, `boundaries` the n + 1 instants between n neighbouring intervals. Rows of the
        first interval get 0; those before it -1, those behind the last n, those without a cursor NULL. It is a search
        tree of plain comparisons, so that every engine computes the same with about log2(n) comparisons a row,
        whatever the zone's clock did.
        """
        return numbered_sql(column, [self.bound(boundary) for boundary in boundaries])


def numbered_sql(column: str, boundaries: Sequence[T]) -> tuple[str, list[T]]:
    """An expression that numbers the stretch of each row, as `Cursor.bucket_sql`, and its values to bind, in order.

    `boundaries` are what the quoted `column` is compared with: dates, times, or numbers.
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
