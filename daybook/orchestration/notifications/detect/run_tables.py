"""Find the tables and summaries that a run of a flow concerns, and what it should have loaded of them."""

from prefect.client.schemas.objects import FlowRun

from daybook.definitions.summary_files import summary_names
from daybook.definitions.table_files import table_names
from daybook.definitions.targets.project_target import either_name
from daybook.errors import DaybookError
from daybook.load.planning.plan import Plan
from daybook.orchestration.run_plan import PlanRequest
from daybook.orchestration.scheduled_time import scheduled_at_of


def table_of(run: FlowRun) -> str | None:
    """Return the table of a run: the one in its parameters, or the one that its tags name."""
    known = set(table_names())
    named = (run.parameters or {}).get("table")
    named = either_name(named) if isinstance(named, str) else None
    return named if named in known else next(iter(sorted(known.intersection(run.tags))), None)


def several_of(run: FlowRun) -> tuple[str, ...]:
    """Return the tables in the parameters of a run that loads several, or () for any other run."""
    found = _named(run, table_names())
    return found if len(found) > 1 else ()


def chosen_summaries(run: FlowRun) -> tuple[str, ...]:
    """Return the summaries in the parameters of a run, if it names some."""
    return _named(run, summary_names())


def _named(run: FlowRun, known: list[str]) -> tuple[str, ...]:
    named = (run.parameters or {}).get("tables")
    if not isinstance(named, list | tuple):
        return ()
    return tuple(name for name in map(either_name, map(str, named)) if name in known)


def plan_of(run: FlowRun, table: str | None) -> Plan | None:
    """Return the plan of a run's load of `table`, or None if the run names no valid one."""
    try:
        return PlanRequest.of(table, run.parameters or {}).plan(scheduled_at_of(run)) if table else None
    except (DaybookError, ValueError, TypeError, AttributeError):  # parameters are user input
        return None
