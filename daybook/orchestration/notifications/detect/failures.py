"""Turn a failed run into an incident, or into an update of an open one."""

from dataclasses import replace
from datetime import UTC, datetime

from daybook.definitions.registry import dataset_of
from daybook.errors import SourceIncomplete, SourceLost, WarehouseLost
from daybook.model.interval import Interval
from daybook.monitoring.incidents.impact import Impact
from daybook.monitoring.incidents.incident import Incident, Kind, RecoveryCondition
from daybook.orchestration.deployments import typed_parameter
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.failed_runs import HOW, FailedRun, FailedRuns
from daybook.orchestration.notifications.incident_store import IncidentStore

UNOWNED = "default"
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


def owner_of(table: str) -> str:
    """Return the owner of a table or summary."""
    dataset = dataset_of(table)
    return dataset.owner if dataset else UNOWNED


def _incident(store: IncidentStore, failed: FailedRun) -> Incident:
    # If the run committed and then crashed, its own commit counts as recovery. Loads by other runs since its start
    # count, too. If the source was incomplete, the run's own commit has only some of the rows and does not count.
    partly = failed.kind is SourceIncomplete
    after = failed.ended if partly else to_stdlib_datetime(failed.run.start_time or failed.ended)
    failed_range = failed.range or _all_of(failed, after)
    start, end = (failed_range.start, failed_range.end) if failed_range else (None, None)
    return Incident(
        subject=_subject(store, failed)[:_SUBJECT],
        kind=Kind.FAILED,
        owner=owner_of(table) if (table := failed.tables[0] if failed.tables else failed.about) else UNOWNED,
        title=messages.title_of(failed),
        since=failed.ended,
        last=failed.ended,
        error=failed.error,
        seen=(failed.state_id,),
        awaits=tuple(RecoveryCondition(table, after, start, end) for table in failed.tables),
        run=str(failed.run.id),
    )


def _all_of(failed: FailedRun, after: datetime) -> Interval | None:
    """Return the range of a failed full refresh, which a single interval does not recover; None for any other run."""
    plan = failed.plan
    if plan is None or not plan.whole or plan.table.load_grid is None:
        return None
    end = plan.table.load_grid.last_complete(after).end
    start = plan.start or _BEGIN
    return Interval(start, end) if start < end else None


def _subject(store: IncidentStore, failed: FailedRun) -> str:
    """Return the subject of the incident. A lost database is one incident, even if it affects many tables."""
    if failed.kind is WarehouseLost:
        return THE_WAREHOUSE
    if failed.kind is SourceLost and failed.plan:
        return f"the source {getattr(failed.plan.table.source, 'block', failed.plan.table.name)}"
    if len(failed.tables) == 1:
        return failed.tables[0]
    name = failed.deployment or failed.flow
    given = sorted((key, value) for key, value in failed.passed.items() if key not in HOW)
    if failed.tables or not given:
        return name
    return store.cleaned(f"{name} ({', '.join(typed_parameter(*one) for one in given)})")


def _impact_of(failed: FailedRun, impact: Impact) -> list[str]:
    """Return sentences about what readers see until the failure is fixed, and what is blocked."""
    if failed.flow == "summaries" and not failed.tables:
        return ["No summary was built. Readers still see the last build of each."]
    return [*impact.visible_data(failed.tables), *impact.blocked_summaries(failed.tables)]
