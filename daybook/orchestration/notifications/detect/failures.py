"""Turn a failed run into an incident, or into an update of an open one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

from daybook.errors import SourceIncomplete, SourceLost, WarehouseLost
from daybook.load.planning.plan import Plan
from daybook.model.interval import Interval
from daybook.monitoring.incidents.impact import Impact
from daybook.monitoring.incidents.incident import Incident, Kind, RecoveryCondition
from daybook.orchestration.deployments import typed_parameter
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.failed_run import UNOWNED, FailedRun, owner_of, source_of
from daybook.orchestration.notifications.detect.failed_runs import HOW, FailedRuns
from daybook.orchestration.notifications.detect.run_tables import plan_of
from daybook.orchestration.notifications.incident_store import IncidentStore

THE_WAREHOUSE = "the warehouse"
_BEGIN = datetime(1, 1, 2, tzinfo=UTC)
_SUBJECT = 200  # characters: a subject that includes a run's parameters may be very long


def report_failure(store: IncidentStore, runs: FailedRuns, failed: FailedRun, impact: Impact) -> None:
    """Open or update the incident of a failed run. Each failure counts once."""
    found = _incident(store, failed)
    known = store.about(found.subject)
    task = runs.task_of(failed)
    if known is None or (known.kind is not Kind.FAILED):
        incident = known.merged_with(found) if known else found
        store.keep(incident, messages.opened(incident, failed, task, _impact_of(failed, impact)))
    elif known.run is None:  # the monitor itself has already reported that the warehouse does not answer
        store.keep(replace(known.merged_with(found), times=known.times))
    elif failed.state_id not in known.seen:
        incident = known.merged_with(found)
        store.keep(incident, messages.still(incident, failed, task) if should_repeat(incident.times) else None)


def should_repeat(times: int) -> bool:
    """Return True if this failure gets a follow-up: the second, third, fifth, 10th, 20th, 50th, 100th …"""
    while times >= 10 and times % 10 == 0:
        times //= 10
    return times in (1, 2, 3, 5)


def _incident(store: IncidentStore, failed: FailedRun) -> Incident:
    # If the run committed and then crashed, its own commit counts as recovery. Loads by other runs since its start
    # count, too. If the source was incomplete, the run's own commit has only some of the rows and does not count.
    began = to_stdlib_datetime(failed.run.start_time or failed.ended)

    def awaited(table: str) -> Iterator[RecoveryCondition]:
        after = failed.ended if failed.kinds.get(table, failed.kind) is SourceIncomplete else began
        plan = plan_of(failed.run, table) if failed.part is not None else failed.plan
        ranges: list[Interval | None] = [*plan.stretches] if plan else []
        for failed_range in ranges or [_all_of(plan, after) if plan else None]:
            start, end = (failed_range.start, failed_range.end) if failed_range else (None, None)
            yield RecoveryCondition(table, after, start, end)

    return Incident(
        subject=_subject(store, failed)[:_SUBJECT],
        kind=Kind.FAILED,
        owner=owner_of(table) if (table := failed.tables[0] if failed.tables else failed.about) else UNOWNED,
        title=messages.title_of(failed),
        since=failed.ended,
        last=failed.ended,
        error=failed.error,
        seen=(failed.state_id,),
        awaits=tuple(chain.from_iterable(map(awaited, failed.tables))),
        run=str(failed.run.id),
    )


def _all_of(plan: Plan, after: datetime) -> Interval | None:
    """Return the range of a failed full refresh, which a single interval does not recover; None for any other load."""
    if not plan.whole or plan.table.load_grid is None:
        return None
    end = plan.table.load_grid.last_complete(after).end
    start = plan.start or _BEGIN
    return Interval(start, end) if start < end else None


def _subject(store: IncidentStore, failed: FailedRun) -> str:
    """Return the subject of the incident. A lost database is one incident, even if it affects many tables."""
    if failed.kind is WarehouseLost:
        return THE_WAREHOUSE
    if failed.kind is SourceLost and failed.tables:
        return f"the source {source_of(failed.tables[0])}"
    if len(failed.tables) == 1:
        return failed.tables[0]
    name = failed.deployment or failed.flow
    if failed.part:
        return f"{name}: {failed.part}"
    given = sorted((key, value) for key, value in failed.passed.items() if key not in HOW)
    if failed.tables or not given:
        return name
    return store.cleaned(f"{name} ({', '.join(typed_parameter(*one) for one in given)})")


def _impact_of(failed: FailedRun, impact: Impact) -> list[str]:
    """Return sentences about what readers see until the failure is fixed, and what is blocked."""
    if failed.flow == "summaries" and not failed.tables:
        return ["No summary was built. Readers still see the last build of each."]
    return [*impact.visible_data(failed.tables), *impact.blocked_summaries(failed.tables)]
