"""Compute aggregates for many intervals or key ranges of a table with few queries.

This works for tables of the source, for staging tables and for tables of the warehouse.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.sql.batches import batched

#: Runs a query with its values bound, and returns its rows.
Query = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]


class Bucket(Protocol):
    """A half-open range of instants or keys, from `start` (inclusive) to `end` (exclusive)."""

    @property
    def start(self) -> Any: ...

    @property
    def end(self) -> Any: ...


S = TypeVar("S", bound=Bucket)


class Axis(Protocol):
    """SQL that divides the rows of a column into buckets. `Cursor` is one, for intervals."""

    def within_sql(self, column: str, intervals: Iterable[Any]) -> tuple[str, list[Any]]:
        """Return the condition that a row is in one of these buckets, and its bind values."""
        ...

    def bucket_sql(self, column: str, boundaries: Sequence[Any]) -> tuple[str, list[Any]]:
        """Return an expression for the number of each row's bucket, and its bind values."""
        ...


def rows_by_interval(
    query: Query, table: str, column: str, cursor: Cursor, intervals: Sequence[Interval]
) -> dict[Interval, int]:
    """Return the number of rows of `table` in each of these intervals, in order.

    `table` and the cursor's `column` are quoted. Every query is a range scan over the cursor.
    """
    found = dict(by_stretch(query, table, column, cursor, intervals, "count(*)"))
    return {interval: found.get(interval, (0,))[0] for interval in intervals}


def by_stretch(
    query: Query,
    table: str,
    column: str,
    axis: Axis,
    stretches: Sequence[S],
    aggregates: str,
    fields: Mapping[str, str] | None = None,
    fence: str = "",
) -> Iterator[tuple[S, tuple[Any, ...]]]:
    """Yield the aggregates of each bucket that has rows. Every query is a range scan over `column`.

    Args:
        query: runs a query.
        table: the quoted table.
        column: the quoted column.
        axis: the SQL that divides the rows.
        stretches: the buckets, which do not overlap.
        aggregates: the SQL of the aggregates.
        fields: SQL expressions by name, for the aggregates to use.
        fence: SQL at the end of a subquery that makes this database compute it before it groups: see `fenced`.
    """
    selected = "".join(f", {expression} AS {name}" for name, expression in (fields or {}).items())
    end = fenced(fence, 1 + len(fields or {}))
    for batch in batched(stretches):
        boundaries = sorted({boundary for stretch in batch for boundary in (stretch.start, stretch.end)})
        starting = {stretch.start: stretch for stretch in batch}
        bucket, values = axis.bucket_sql(column, boundaries)
        within, bounds = axis.within_sql(column, batch)
        for number, *found in query(
            f"SELECT bucket, {aggregates} FROM (SELECT {bucket} AS bucket{selected} FROM {table} WHERE {within}"
            f"{end}) AS numbered GROUP BY bucket",
            [*values, *bounds],
        ):
            yield starting[boundaries[int(number)]], tuple(found)


def fenced(fence: str, columns: int) -> str:
    """Return the end of a subquery with this number of columns. `{nulls}` in `fence` stands for a NULL for each."""
    return fence.format(nulls=", ".join(["NULL"] * columns))
