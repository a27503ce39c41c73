"""What there is in each of many stretches of a table, by few queries: of the source's, a staged or a loaded one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from daybook.model.cursor import Cursor
from daybook.model.interval import Interval
from daybook.sql.batches import batched

#: Runs a query with its values bound, and returns its rows.
Query = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]


class Bucket(Protocol):
    """From `start` (inclusive) to `end` (exclusive) of what rows are told apart by: instants, or keys."""

    @property
    def start(self) -> Any: ...

    @property
    def end(self) -> Any: ...


S = TypeVar("S", bound=Bucket)


class Axis(Protocol):
    """How SQL tells the stretches of a column apart: `Cursor` does, for intervals."""

    def within_sql(self, column: str, intervals: Iterable[Any]) -> tuple[str, list[Any]]:
        """The condition that a row lies in one of these stretches, and its values to bind."""
        ...

    def bucket_sql(self, column: str, boundaries: Sequence[Any]) -> tuple[str, list[Any]]:
        """An expression that numbers the stretch of each row, and its values to bind."""
        ...


def rows_by_interval(
    query: Query, table: str, column: str, cursor: Cursor, intervals: Sequence[Interval]
) -> dict[Interval, int]:
    """How many rows of `table` lie in each of these intervals, in order.

    `table` and `column`, which is the cursor's, are quoted. Every query is a range scan over the cursor.
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
    """The `aggregates` (SQL) of the rows in each of these stretches, which do not overlap, where there are any rows.

    `fields` are what the aggregates are about: an expression of each name. Every query is a range scan over `column`.
    `fence` is what this database's SQL ends a query with that it shall compute before it groups by its result.
    """
    selected = "".join(f", {expression} AS {name}" for name, expression in (fields or {}).items())
    for batch in batched(stretches):
        boundaries = sorted({boundary for stretch in batch for boundary in (stretch.start, stretch.end)})
        starting = {stretch.start: stretch for stretch in batch}
        bucket, values = axis.bucket_sql(column, boundaries)
        within, bounds = axis.within_sql(column, batch)
        for number, *found in query(
            f"SELECT bucket, {aggregates} FROM (SELECT {bucket} AS bucket{selected} FROM {table} WHERE {within}"
            f"{fence}) AS numbered GROUP BY bucket",
            [*values, *bounds],
        ):
            yield starting[boundaries[int(number)]], tuple(found)
