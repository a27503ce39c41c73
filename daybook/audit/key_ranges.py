"""Ranges of a key of whole numbers, by which a table is compared that has no intervals, or whole."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from daybook.model.cursor import Cursor, numbered_sql
from daybook.model.types import INTEGERS, Type
from daybook.sql.checksum.columns import Field
from daybook.sql.checksum.side import ComparisonSide


class KeyRange(NamedTuple):
    """From `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start} until {self.end}"


@dataclass(frozen=True)
class ByKey:
    """How the ranges are told apart. Only rows are looked at of which the conditions hold, whose values are to bind."""

    conditions: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def within_sql(self, column: str, intervals: Iterable[KeyRange]) -> tuple[str, list[Any]]:
        """The condition that a row lies in one of these ranges, and its values to bind."""
        values: list[Any] = []
        for start, end in sorted(intervals):
            if values and values[-1] == start:
                values[-1] = end
            else:
                values += [start, end]
        ranges = " OR ".join([f"({column} >= %s AND {column} < %s)"] * (len(values) // 2))
        return " AND ".join([f"({ranges})", *self.conditions]), [*values, *self.values]

    def bucket_sql(self, column: str, boundaries: Sequence[int]) -> tuple[str, list[int]]:
        """An expression that numbers the range of each row, and its values to bind."""
        return numbered_sql(column, boundaries)


def by_key(side: ComparisonSide, key: str, since: datetime | None, until: datetime | None) -> ComparisonSide:
    """The same side, told apart by the ranges of the column `key`.

    Of a table with a cursor, what is not before `since`, as a whole load takes it; and before `until`, where that is
    given, and then without rows that have no cursor.
    """
    cursor, conditions, values = side.axis, [], []
    if isinstance(cursor, Cursor) and since is not None:
        conditions.append(f"({side.column} >= %s OR {side.column} IS NULL)")
        values.append(cursor.bound(since))
    if isinstance(cursor, Cursor) and until is not None:
        conditions.append(f"{side.column} < %s")
        values.append(cursor.bound(until))
    axis = ByKey(tuple(conditions), tuple(values))
    return replace(side, axis=axis, column=side.quote(key))


def whole_numbers(field: Field) -> bool:
    """Whether both sides keep whole numbers in a column, as numbers."""

    def whole(type: Type) -> bool:
        return type.kind in INTEGERS or (type.kind == "decimal" and type.scale == 0)

    return whole(field.source) and whole(field.there)


def ends_of(side: ComparisonSide) -> tuple[int, int, int] | None:
    """The smallest and the largest key, and how many rows there are; None where there is no row with a key."""
    ((least, most, rows),) = side.query(
        f"SELECT min({side.column}), max({side.column}), count(*) FROM {side.table}", ()
    )
    return None if least is None else (int(least), int(most), int(rows))


def evenly(ends: Sequence[tuple[int, int, int]], rows: int) -> list[KeyRange]:
    """Ranges from the least to the largest key, in which there are about so many rows, if the keys lie evenly."""
    if not ends:
        return []
    least, end = min(first for first, _, _ in ends), max(last for _, last, _ in ends) + 1
    count = min(-(-max(n for _, _, n in ends) // rows) or 1, end - least)
    cuts = [least + (end - least) * number // count for number in range(count + 1)]
    return [KeyRange(start, end) for start, end in pairwise(cuts)]
