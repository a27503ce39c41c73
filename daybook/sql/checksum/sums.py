"""The checksum of some rows: their number, and the sum of their hashes.

A row's hash is a number of 60 bits (see `columns`). A sum does not depend on the order of the rows, counts a
row that is there twice, and is the sum of the sums of any parts: of the days of a month, say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from daybook.sql.bucketing import Axis, Query, S, by_stretch


@dataclass(frozen=True, slots=True)
class Sum:
    """The number of rows, and the sum of their hashes."""

    rows: int = 0
    sum: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.rows + other.rows, self.sum + other.sum)


def sums_by_interval(
    query: Query, table: str, column: str, axis: Axis, hash_sql: str, stretches: Sequence[S], fence: str = ""
) -> dict[S, Sum]:
    """Return the checksum of the rows of `table` in each of these intervals, which do not overlap, in order.

    `table` and the cursor's `column` are quoted; `hash_sql` is the hash of a row. It works on the ranges of any axis.
    Every query is a range scan, and hashes each row once. `fence`: see `by_stretch`.
    """
    found = by_stretch(query, table, column, axis, stretches, "count(*), sum(hash)", {"hash": hash_sql}, fence)
    sums = {stretch: _sum(*figures) for stretch, figures in found}
    return {stretch: sums.get(stretch, Sum()) for stretch in stretches}


def sum_of(query: Query, table: str, hash_sql: str) -> Sum:
    """Return the checksum of all rows of `table`, which is quoted."""
    ((rows, total),) = query(f"SELECT count(*), sum(hash) FROM (SELECT {hash_sql} AS hash FROM {table}) AS hashed", ())
    return _sum(rows, total)


def _sum(rows: object, total: object) -> Sum:
    return Sum(int(rows), int(total or 0))  # type: ignore[call-overload]


def checksum_of(fingerprint: str, sum: Sum) -> str:
    """Return a checksum as the ledger keeps it, with the fingerprint of the compared columns."""
    return f"{fingerprint}:{sum.sum}"
