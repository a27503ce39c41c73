"""The checksum of some rows: their number, and the sum of their hashes.

A row's hash is a number of 60 bits (see `columns`). A sum does not depend on the order of the rows, and it counts
duplicate rows. Sums of parts add up: the checksum of a month is the sum of those of its days.
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

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(self.rows - other.rows, self.sum - other.sum)


def sums_by_interval(
    query: Query, table: str, column: str, axis: Axis, hashes: Sequence[str], stretches: Sequence[S], fence: str = ""
) -> dict[S, tuple[Sum, ...]]:
    """Return the sums of each range of rows, in order: one for each kind of hash.

    Every query is a range scan, and hashes each row once.

    Args:
        query: runs a query.
        table: the quoted table.
        column: the quoted column of the axis, such as the cursor.
        axis: the SQL that divides the rows.
        hashes: the SQL of a row's hash, for each kind.
        stretches: the ranges, which do not overlap.
        fence: see `by_stretch`.
    """
    fields = {f"hash_{number}": hash_sql for number, hash_sql in enumerate(hashes)}
    aggregates = ", ".join(["count(*)", *(f"sum({name})" for name in fields)])
    found = by_stretch(query, table, column, axis, stretches, aggregates, fields, fence)
    sums = {stretch: tuple(_sum(rows, total) for total in totals) for stretch, (rows, *totals) in found}
    return {stretch: sums.get(stretch, (Sum(),) * len(fields)) for stretch in stretches}


def sum_of(query: Query, table: str, hash_sql: str) -> Sum:
    """Return the checksum of all rows of `table` (quoted). `hash_sql` is the SQL of a row's hash."""
    ((rows, total),) = query(f"SELECT count(*), sum(hash) FROM (SELECT {hash_sql} AS hash FROM {table}) AS hashed", ())
    return _sum(rows, total)


def _sum(rows: object, total: object) -> Sum:
    return Sum(int(rows), int(total or 0))  # type: ignore[call-overload]


def parsed(fingerprint: str, rows: int, checksum: str) -> Sum | None:
    """Return a checksum of the ledger, or None if it is of other columns than `fingerprint`."""
    columns, _, sum = checksum.rpartition(":")
    return Sum(rows, int(sum)) if columns == fingerprint else None


def checksum_of(fingerprint: str, sum: Sum) -> str:
    """Return a checksum as the ledger keeps it, with the fingerprint of the compared columns."""
    return f"{fingerprint}:{sum.sum}"
