"""The rows of a load in the warehouse's staging tables."""

from dataclasses import dataclass, field

from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum
from daybook.strategies.staged_rows import Ranges


@dataclass(frozen=True, slots=True)
class Staged:
    """The staged rows, their number and their checksums. All tables are temporary, and their names are quoted."""

    table: str
    """The table of the rows to load."""
    rows: int
    """The number of rows in it."""
    sums: dict[Interval, Sum]
    """The checksum of each interval to load."""
    parts: dict[Interval, Sum] = field(default_factory=dict)
    """The checksum of each interval of a full refresh, which has one row in the ledger; empty without checksums."""
    total: Sum | None = None
    """The checksum of all rows, if the table has no intervals."""
    deleted: str | None = None
    """The table of the rows that are flagged as deleted. `table` does not have them."""
    deleted_rows: int = 0
    """The number of rows in `deleted`."""
    later: str | None = None
    """The table of the keys of rows that have moved to later intervals. The load leaves those rows in place."""
    ranges: Ranges = field(default_factory=dict)
    """The ranges of the key's columns and of the cursor, over all staged rows, also those in `deleted`."""
    indexed: bool = False
    """True if the rows have a unique index on the key, and so has the table. They have no checksums yet."""
    fingerprints: dict[Interval, str] = field(default_factory=dict)
    """The fingerprints of the rows of each interval in `parts`, as recorded; empty if the warehouse has none."""

    @property
    def counts(self) -> dict[Interval, int]:
        """The row count of each interval."""
        return {interval: sum.rows for interval, sum in self.sums.items()}
