"""The history of closed incidents, one row each, in the table `daybook.incidents` of the warehouse."""

from dataclasses import astuple, dataclass
from datetime import datetime

from daybook.ledger.state_table import StateTable, storable
from daybook.monitoring.incidents.incident import Incident
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

COLUMNS = {
    "incident": "varchar(36) NOT NULL",
    "subject": "varchar(255) NOT NULL",
    "kind": "varchar(32) NOT NULL",
    "owner": "varchar(255) NOT NULL",
    "opened_at": "timestamptz NOT NULL",
    "recovered_at": "timestamptz NOT NULL",
    "times": "bigint NOT NULL",
    "error": "varchar(4000) NOT NULL",
}


@dataclass(frozen=True, slots=True)
class ClosedIncident:
    """A closed incident. Instants are in UTC."""

    incident: str
    subject: str
    kind: str
    owner: str
    opened_at: datetime
    recovered_at: datetime
    times: int
    error: str


class IncidentLog:
    """The table `daybook.incidents` of a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._state_table = StateTable(warehouse, "incidents", COLUMNS)

    def record(self, session: Session, incident: Incident, recovered_at: datetime) -> None:
        """Add a closed incident, unless the table already has it."""
        self._state_table.ensure(session)
        if session.one(f"SELECT count(*) FROM {self._state_table.table} WHERE incident = %s", (incident.id,)):
            return
        error = storable(incident.error)
        subject, owner = _fitting(incident.subject), _fitting(incident.owner)
        row = ClosedIncident(
            incident.id, subject, incident.kind, owner, incident.since, recovered_at, incident.times, error
        )
        self._state_table.append(session, [astuple(row)])

    def between(self, session: Session, start: datetime, end: datetime) -> list[ClosedIncident]:
        """Return the incidents that recovered in `[start, end)`, oldest first."""
        return self._state_table.read(
            session,
            ClosedIncident,
            f"SELECT {self._state_table.names} FROM {self._state_table.table} "
            "WHERE recovered_at >= %s AND recovered_at < %s ORDER BY recovered_at",
            (start, end),
        )


def _fitting(text: str) -> str:
    """Return as much of `text` as fits in 255 bytes, the unit in which Redshift counts."""
    return text.replace("\0", "").encode(errors="ignore")[:255].decode(errors="ignore")
