"""Repeat an audit for the intervals that a load may have changed while both sides were read."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from daybook.audit.comparison import Comparison, open_comparison
from daybook.definitions.table import Table
from daybook.errors import AuditFailed, AuditLost
from daybook.ledger.ledger import Entry
from daybook.sources.base import ConnectionProvider
from daybook.sql.bucketing import S
from daybook.sql.retries import with_retries
from daybook.warehouses.base import Warehouse

R = TypeVar("R")

_ROUNDS = 3
#: The remark on an interval that a load changed during every attempt to compare it.
OVERTAKEN = "a load changed it during every comparison: compare it when no load is running"


def in_rounds(
    table: Table,
    buckets: Sequence[S],
    warehouse: Warehouse,
    keys: ConnectionProvider,
    seconds: int,
    work: Callable[[Comparison, Sequence[S]], list[R]],
    settled: Callable[[R, Sequence[Entry]], bool],
    label: str,
) -> list[tuple[R, bool]]:
    """Return `work`'s result for each interval or key range, in order, and True if no load can have changed it.

    Each round opens both sides again, and so does each retry after a temporary failure.

    Args:
        table: the table.
        buckets: the intervals or key ranges.
        warehouse: the warehouse.
        keys: opens the source.
        seconds: the time limit of one statement in the source.
        work: compares some of the intervals or key ranges.
        settled: returns True if a result is valid despite the loads that committed during the round. It takes their
            ledger entries.
        label: the table and its intervals, for errors.

    Raises:
        AuditFailed: a database failed on every attempt.
    """
    found: dict[S, R] = {}
    left = list(buckets)
    for _ in range(_ROUNDS):

        def attempt(left: Sequence[S] = tuple(left)) -> tuple[list[R], list[Entry]]:
            with open_comparison(table, warehouse, keys, seconds) as sides:
                return work(sides, left), sides.concurrent_loads()

        if left:
            results, late = with_retries(attempt, what=f"{label}: audit", failed=AuditFailed, lost=AuditLost)
            found |= dict(zip(left, results, strict=True))
            left = [bucket for bucket in left if late and not settled(found[bucket], late)]
    return [(found[bucket], bucket not in left) for bucket in buckets]
