"""Which incidents are over: what they wait for is in the ledger, or their run has succeeded since."""

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


def close_failures(desk: IncidentStore, runs: FailedRuns, warehouse: Warehouse | None, now: datetime) -> None:
    """Close each incident of a failure that is over, and say so; also one of which nobody will ever see the end."""
    awaiting = list[Incident]()
    for incident in desk.open:
        if incident.kind is not Kind.FAILED:
            continue
        if why := _endless(incident, runs):
            desk.close(incident, now, messages.recovered(incident, now, why, "was given up"))
        elif incident.awaits:
            awaiting.append(incident)
        elif when := _succeeded(incident, runs, warehouse, now):
            _close(desk, incident, when)
    for incident, when in _healed(awaiting, warehouse):
        _close(desk, incident, when)


def _close(desk: IncidentStore, incident: Incident, when: datetime) -> None:
    # A load that was lost after its commit was there before it failed.
    when = max(when, incident.last)
    desk.close(incident, when, messages.recovered(incident, when, _loaded(incident)))


def _succeeded(incident: Incident, runs: FailedRuns, warehouse: Warehouse | None, now: datetime) -> datetime | None:
    if incident.run:
        return runs.success_like(UUID(incident.run))
    return now if warehouse else None  # it was the warehouse itself that did not answer


def _healed(incidents: Sequence[Incident], warehouse: Warehouse | None) -> list[tuple[Incident, datetime]]:
    """Those of which all that they await is there, and since when: asked in one session, where there are any."""
    if not incidents or warehouse is None:
        return []
    found = list[tuple[Incident, datetime]]()
    with warehouse.session() as session:
        for incident in incidents:
            wanted = [awaited for awaited in incident.awaits if has_file(awaited.table)]
            if when := recovered_at(session, warehouse, wanted):
                found.append((incident, when))
    return found


def _endless(incident: Incident, runs: FailedRuns) -> str | None:
    """Why what it waits for cannot come; None: it can."""
    awaited = sorted({one.table for one in incident.awaits})
    if awaited and not any(map(has_file, awaited)):
        return f"There is no file any more of {', '.join(awaited)}: nothing of it is awaited."
    if not awaited and incident.run and not runs.knows(UUID(incident.run)):
        return "Its run was deleted on Prefect's server: what became of it is not to be seen any more."
    return None


def _loaded(incident: Incident) -> str:
    tables = sorted({awaited.table for awaited in incident.awaits})
    return f"What had failed is there now: {', '.join(tables)}." if tables else ""
