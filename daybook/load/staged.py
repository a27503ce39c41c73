"""The rows of a load in the warehouse's staging tables."""

from dataclasses import dataclass

from daybook.model.interval import Interval
from daybook.sql.checksum.sums import Sum


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the rows are, how many they are, and the checksum of those in each interval that is to be loaded.

    `total` is the checksum of all of them, of a table that has no intervals; `deleted` is where those are that were
    flagged as deleted, which are not among them; `later` where the keys are of rows that have moved on, and are to stay
    where they are.
    """

    table: str
    rows: int
    sums: dict[Interval, Sum]
    total: Sum | None = None
    deleted: str | None = None
    later: str | None = None

    @property
    def counts(self) -> dict[Interval, int]:
        """How many rows lie in each interval."""
        return {interval: sum.rows for interval, sum in self.sums.items()}
