"""Apply a full refresh to a table that can be compared with the staged rows in the order of their key."""

from collections.abc import Mapping
from dataclasses import replace

from daybook.load.full_refresh.changed_rows import ChangedRows
from daybook.load.full_refresh.refresh_checksums import Recorded, RefreshChecksums
from daybook.load.staged import Staged
from daybook.model.interval import Interval
from daybook.strategies.base import Strategy
from daybook.strategies.staged_rows import StagedRows

#: Above this share of changed rows, their hashes take longer than those of all rows.
_FEW = 0.3


def refresh(
    strategy: Strategy,
    rows: StagedRows,
    staged: Staged,
    checksums: RefreshChecksums,
    recorded: Mapping[Interval, Recorded],
) -> Staged:
    """Make the staged rows the only rows of the table, and return them with their checksums.

    Args:
        strategy: the strategy that replaces the whole table.
        rows: the staged rows as the strategy takes them.
        staged: the same rows. They have a unique index on the key, and so has the table.
        checksums: computes the checksums.
        recorded: what the last full refresh recorded of each interval.
    """
    changed = ChangedRows.find(rows.session, rows)
    known = {}
    if changed.count <= staged.rows * _FEW:
        known = checksums.derived(rows.table, changed, recorded)
    strategy.apply(replace(rows, changed_keys=changed.keys))
    # Parallel workers can read the table, but no temporary one.
    return checksums.of(staged, rows.table, known)
