"""Close incidents that are over: the ledger has the awaited data, or a later run succeeded."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from daybook.definitions.registry import has_file
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.recovery_check import recovered_at
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.detect.failed_runs import FailedRuns
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.warehouses.base import Warehouse


def close_failures(store: IncidentStore, runs: FailedRuns, warehouse: Warehouse | None, now: datetime) -> None:
    """Close failures that have recovered or whose recovery can no longer be detected, each with a message."""
    awaiting = list[Incident]()
    for incident in store.open:
        if incident.kind is not Kind.FAILED:
            continue
        if why := _unresolvable(incident, runs):
            store.close(incident, now, messages.recovered(incident, now, why, "was closed unresolved"))
        elif incident.awaits:
            awaiting.append(incident)
        elif when := _succeeded(incident, runs, warehouse, now):
            _close(store, incident, when)
    for incident, when in _recovered(awaiting, warehouse):
        _close(store, incident, when)


def _close(store: IncidentStore, incident: Incident, when: datetime) -> None:
    # If a load committed and then crashed, its data was complete before the failure.
    when = max(when, incident.last)
    store.close(incident, when, messages.recovered(incident, when, _loaded(incident)))


def _succeeded(incident: Incident, runs: FailedRuns, warehouse: Warehouse | None, now: datetime) -> datetime | None:
    if incident.run:
        return runs.success_like(UUID(incident.run))
    return now if warehouse else None  # without a run, the incident is about a warehouse that does not answer


def _recovered(incidents: Sequence[Incident], warehouse: Warehouse | None) -> list[tuple[Incident, datetime]]:
    """Return the incidents whose data is all loaded, each with the time of the last commit. Opens one session."""
    if not incidents or warehouse is None:
        return []
    found = list[tuple[Incident, datetime]]()
    with warehouse.session() as session:
        for incident in incidents:
            wanted = [awaited for awaited in incident.awaits if has_file(awaited.table)]
            if when := recovered_at(session, warehouse, wanted):
                found.append((incident, when))
    return found


def _unresolvable(incident: Incident, runs: FailedRuns) -> str | None:
    """Return why the recovery cannot be detected, or None if it can."""
    awaited = sorted({one.table for one in incident.awaits})
    if awaited and not any(map(has_file, awaited)):
        return f"The file of {', '.join(awaited)} was deleted, so Daybook no longer expects its data."
    if not awaited and incident.run and not runs.exists(UUID(incident.run)):
        return "Its run was deleted from the Prefect server, so its outcome is unknown."
    return None


def _loaded(incident: Incident) -> str:
    tables = sorted({awaited.table for awaited in incident.awaits})
    return f"The data that failed to load is loaded now: {', '.join(tables)}." if tables else ""
