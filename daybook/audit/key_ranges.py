"""Ranges of an integer key. An audit uses them to compare a whole table."""

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
    """A half-open range of keys: from `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start} until {self.end}"


@dataclass(frozen=True)
class ByKey:
    """SQL that divides rows by key ranges. Only rows that meet all `conditions` count; `values` are bound to them."""

    conditions: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()

    def within_sql(self, column: str, intervals: Iterable[KeyRange]) -> tuple[str, list[Any]]:
        """Return an SQL condition for the rows in these ranges, and its bind values."""
        values: list[Any] = []
        for start, end in sorted(intervals):
            if values and values[-1] == start:
                values[-1] = end
            else:
                values += [start, end]
        ranges = " OR ".join([f"({column} >= %s AND {column} < %s)"] * (len(values) // 2))
        return " AND ".join([f"({ranges})", *self.conditions]), [*values, *self.values]

    def bucket_sql(self, column: str, boundaries: Sequence[int]) -> tuple[str, list[int]]:
        """Return an SQL expression for the number of each row's range, and its bind values."""
        return numbered_sql(column, boundaries)


def by_key(side: ComparisonSide, key: str, since: datetime | None, until: datetime | None) -> ComparisonSide:
    """Return `side`, divided by ranges of the column `key`.

    If the table has a cursor, only rows from `since` on and rows without a cursor count, as in a full refresh. With
    `until`, only rows before it count, and rows without a cursor do not.
    """
    cursor, conditions, values = side.axis, [], []
    if isinstance(cursor, Cursor) and since is not None:
        conditions.append(f"({side.column} >= %s OR {side.column} IS NULL)")
        values.append(cursor.bound(since))
    if isinstance(cursor, Cursor) and until is not None:
        conditions.append(f"{side.column} < %s")
        values.append(cursor.bound(until))
    axis = ByKey(tuple(conditions), tuple(values))
    return replace(side, axis=axis, column=side.quote(key), within=None)


def whole_numbers(field: Field) -> bool:
    """Return True if the column holds integers on both sides, in a numeric type."""

    def whole(type: Type) -> bool:
        return type.kind in INTEGERS or (type.kind == "decimal" and type.scale == 0)

    return whole(field.source) and whole(field.there)


def ends_of(side: ComparisonSide) -> tuple[int, int, int] | None:
    """Return the smallest and the largest key and the row count, or None if no row has a key."""
    ((least, most, rows),) = side.query(
        f"SELECT min({side.column}), max({side.column}), count(*) FROM {side.table}", ()
    )
    return None if least is None else (int(least), int(most), int(rows))


def evenly(ends: Sequence[tuple[int, int, int]], rows: int) -> list[KeyRange]:
    """Return ranges from the smallest to the largest key with about `rows` rows each if the keys are evenly spread."""
    if not ends:
        return []
    least, end = min(first for first, _, _ in ends), max(last for _, last, _ in ends) + 1
    count = min(-(-max(n for _, _, n in ends) // rows) or 1, end - least)
    cuts = [least + (end - least) * number // count for number in range(count + 1)]
    return [KeyRange(start, end) for start, end in pairwise(cuts)]
