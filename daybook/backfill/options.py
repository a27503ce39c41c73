"""The options of a backfill."""

import logging
from dataclasses import dataclass, replace

from daybook.backfill.queue import Order
from daybook.errors import BackfillRefused

logger = logging.getLogger("daybook.backfill")


@dataclass(frozen=True)
class BackfillOptions:
    """The options of a backfill. `flows.backfill` documents each of them, as a parameter."""

    order: Order = "ascending"
    max_active_runs: int = 1
    intervals_per_run: int = 500
    depends_on_past: bool = False

    def within(self, limit: int | None) -> "BackfillOptions":
        """Return these options with `max_active_runs` lowered to `limit`, and to 1 with `depends_on_past`.

        `limit` is the concurrency limit of the deployment. None: no limit.

        Raises:
            BackfillRefused: `depends_on_past` is set, but the order is not ascending.
        """
        if self.depends_on_past and self.order != "ascending":
            raise BackfillRefused(
                f"depends_on_past loads the oldest interval first, but order is {self.order}: set order to ascending"
            )
        allowed = 1 if self.depends_on_past else limit or self.max_active_runs
        if self.max_active_runs > allowed:
            why = "depends_on_past" if self.depends_on_past else "the deployment's concurrency limit"
            logger.info("max_active_runs is %d, but %s allows %d", self.max_active_runs, why, allowed)
        return replace(self, max_active_runs=min(self.max_active_runs, allowed))
