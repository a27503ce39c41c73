"""The result of a backfill."""

from dataclasses import dataclass, field

from daybook.definitions.table import Table
from daybook.errors import BackfillIncomplete
from daybook.model.interval import Interval

_MAX_REASONS = 20  # failures in the error message


@dataclass
class BackfillResult:
    """The intervals that were loaded, those that failed with their reasons, and those that were not attempted."""

    loaded: list[Interval] = field(default_factory=list)
    failed: dict[Interval, str] = field(default_factory=dict)
    held_back: list[Interval] = field(default_factory=list)
    runs: int = 0

    def raise_for_failures(self, table: Table, label: str) -> "BackfillResult":
        """Return this result if every interval was loaded.

        Raises:
            BackfillIncomplete: names the intervals that were not loaded, the reasons, and what to do.
        """
        grid = table.grid
        if grid is None or not (self.failed or self.held_back):
            return self
        lines = [f"{label}: {grid.counted(len(self.loaded))} loaded, {grid.counted(len(self.failed))} failed"]
        reasons = sorted(self.failed.items())[:_MAX_REASONS]
        lines += [f"- {grid.label(interval)}: {reason}" for interval, reason in reasons]
        if len(self.failed) > _MAX_REASONS:
            lines.append(f"- and {len(self.failed) - _MAX_REASONS:,} more, in daybook.failures")
        if self.held_back:
            first = grid.label(min(self.held_back))
            lines.append(f"{grid.counted(len(self.held_back))} not attempted after that, from {first} on")
        lines.append("Fix the cause and run the backfill again: it skips the intervals that are loaded")
        raise BackfillIncomplete("\n".join(lines))
