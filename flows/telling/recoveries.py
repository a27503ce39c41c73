"""Which incidents are over: what they wait for is in the ledger, or their run has succeeded since."""

from datetime import datetime
from uuid import UUID

from daybook.incidents.healed import healed_at
from daybook.incidents.incident import Incident, Kind
from daybook.warehouses import Warehouse
from flows.telling import wording
from flows.telling.desk import Desk
from flows.telling.failed_runs import FailedRuns


def close_failures(desk: Desk, runs: FailedRuns, warehouse: Warehouse | None, now: datetime) -> None:
    """Close each incident of a failure that is over, and say so."""
    for incident in desk.open:
        if incident.kind is Kind.FAILED and (when := _over(incident, runs, warehouse, now)):
            desk.close(incident, when, wording.recovered(incident, when, _loaded(incident)))


def _over(incident: Incident, runs: FailedRuns, warehouse: Warehouse | None, now: datetime) -> datetime | None:
    if not incident.awaits and incident.run:
        return runs.success_like(UUID(incident.run))
    if warehouse is None:
        return None
    if not incident.awaits:  # it was the warehouse itself that did not answer
        return now
    with warehouse.session() as session:
        return healed_at(session, warehouse, incident.awaits)


def _loaded(incident: Incident) -> str:
    tables = sorted({awaited.table for awaited in incident.awaits})
    return f"What had failed is there now: {', '.join(tables)}." if tables else ""
