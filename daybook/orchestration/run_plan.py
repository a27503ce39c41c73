"""Keep the plan of the current load: made for the run's name, and reused by the flow's body and its failure hook.

Prefect asks for a run's name before it calls the flow. The plan is kept in a context variable with its request and the
ID of its run, so another run in the same process, or a flow that plans something else, never gets it.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from prefect import runtime

from daybook.load.planning.scattered import INTERVALS
from daybook.model.interval_grid import parse
from daybook.orchestration.run_tags import BACKFILL_TAG
from daybook.orchestration.scheduled_time import scheduled_at

if TYPE_CHECKING:
    from daybook.load.planning.plan import Plan

_WHEN = ("execution_date", "until")
_FLAGS = ("full_refresh", "allow_shrink", "allow_before_start", "exact")


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A request to load a table, with the parameters of the flow that select what to load."""

    table: str
    execution_date: date | datetime | None = None
    until: date | datetime | None = None
    full_refresh: bool = False
    allow_shrink: bool = False
    allow_before_start: bool = False
    exact: bool = False
    intervals: Sequence[date | datetime] | None = None

    def __post_init__(self) -> None:
        if self.intervals is not None:  # a list would differ from the tuple of the same request
            object.__setattr__(self, "intervals", tuple(self.intervals))

    @classmethod
    def of(cls, table: str, parameters: dict[str, Any]) -> "PlanRequest":
        """Return the request in the parameters of a flow run. Dates may be text, as Prefect's server stores them."""
        given = {name: parameters[name] for name in (*_WHEN, *_FLAGS) if parameters.get(name) is not None}
        for name in _WHEN:
            if name in given:
                given[name] = _parsed(given[name])
        intervals = parameters.get(INTERVALS)
        return cls(table, **given, intervals=None if intervals is None else [_parsed(one) for one in intervals])

    def plan(self, scheduled: datetime | None) -> "Plan":
        """Read the table's file, and return the plan for a run that was scheduled for `scheduled`.

        Raises:
            TableFileError: the table has no file, or its file is invalid.
            IntervalError: the dates name no intervals of the table.
        """
        from daybook.definitions.table_files import read_table  # not for `--help`
        from daybook.load.planning.plan import plan

        return plan(
            read_table(self.table),
            self.execution_date,
            self.until,
            self.full_refresh,
            scheduled_at=scheduled,
            allow_shrink=self.allow_shrink,
            allow_before_start=self.allow_before_start,
            exact=self.exact,
            refill=BACKFILL_TAG in runtime.flow_run.tags,
            intervals=self.intervals,
        )


@dataclass(frozen=True, slots=True)
class _Kept:
    run_id: str | None
    request: PlanRequest
    plan: "Plan"
    is_used: bool = False


_kept: ContextVar[_Kept | None] = ContextVar("daybook_run_plan", default=None)


def plan_for_name(request: PlanRequest) -> "Plan":
    """Plan what this run loads, and keep the plan for its body. Raises as `PlanRequest.plan`."""
    made = request.plan(scheduled_at())
    _kept.set(_Kept(runtime.flow_run.id, request, made))
    return made


def plan_for_body(request: PlanRequest) -> "Plan":
    """Return the plan that was made for the run's name. In a retry, plan again: the table file may have been fixed.

    Raises as `PlanRequest.plan`.
    """
    kept, run_id = _kept.get(), runtime.flow_run.id
    if kept is None or kept.is_used or run_id is None or (kept.run_id, kept.request) != (run_id, request):
        kept = _Kept(run_id, request, request.plan(scheduled_at()))
    _kept.set(replace(kept, is_used=True))
    return kept.plan


def kept_plan(run_id: str) -> "Plan | None":
    """Return the last plan of this run, or None if it was not made in this process."""
    kept = _kept.get()
    return kept.plan if kept is not None and kept.run_id == run_id else None


def _parsed(when: Any) -> Any:
    return parse(when) if isinstance(when, str) else when
