"""An audit beside loads: what they may have changed while both sides were read is compared again."""

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
#: What is to be said of something that was never compared in peace.
OVERTAKEN = "it was loaded while it was compared, again and again: compare it when no load runs"


def in_rounds(
    table: Table,
    stretches: Sequence[S],
    warehouse: Warehouse,
    keys: ConnectionProvider,
    seconds: int,
    work: Callable[[Comparison, Sequence[S]], list[R]],
    settled: Callable[[R, Sequence[Entry]], bool],
) -> list[tuple[R, bool]]:
    """What `work` finds of each of these stretches, in order, and whether that is sure.

    `settled` says whether what was found holds, whatever the loads that were committed meanwhile have changed: the
    ledger's entries of them. Both sides are opened anew for each round, and after a failure that passes.

    Raises:
        AuditFailed: a database failed, again and again.
    """
    found: dict[S, R] = {}
    left = list(stretches)
    for _ in range(_ROUNDS):

        def attempt(left: Sequence[S] = tuple(left)) -> tuple[list[R], list[Entry]]:
            with open_comparison(table, warehouse, keys, seconds) as sides:
                return work(sides, left), sides.concurrent_loads()

        if left:
            results, late = with_retries(attempt, what=f"{table.name}: audit", failed=AuditFailed, lost=AuditLost)
            found |= dict(zip(left, results, strict=True))
            left = [stretch for stretch in left if late and not settled(found[stretch], late)]
    return [(found[stretch], stretch not in left) for stretch in stretches]
