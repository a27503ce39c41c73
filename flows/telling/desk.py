"""The open incidents: where each is opened and told once, told again when it gets worse, and closed."""

from dataclasses import replace
from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient
from pydantic import TypeAdapter

from daybook.incidents.history import Incidents
from daybook.incidents.incident import Incident
from daybook.incidents.notice import Notice
from daybook.warehouses import Warehouse
from flows.telling.outbox import Outbox
from flows.telling.shelf import Shelf, key_of

_INCIDENT = TypeAdapter(Incident)
_ERROR = 800  # characters of an error that are remembered


class Desk:
    """The open incidents. Only one pass at a time may work here (`flows.telling.turns`)."""

    def __init__(self, client: SyncPrefectClient, warehouse: Warehouse | None) -> None:
        self._shelf, self._outbox = Shelf(client, "incident"), Outbox(client)
        self._closed = Shelf(client, "closed")
        self._warehouse = warehouse
        self._open = {key: _INCIDENT.validate_python(document) for key, document in self._shelf.all().items()}

    @property
    def open(self) -> list[Incident]:
        """Every incident that is not over, the oldest first."""
        return sorted(self._open.values(), key=lambda incident: incident.since)

    def about(self, subject: str) -> Incident | None:
        """The open incident of a subject."""
        return self._open.get(key_of(subject))

    def keep(self, incident: Incident, notice: Notice | None = None) -> None:
        """Remember an incident as it is now, and say so where there is something to say."""
        if notice:
            self._outbox.put(notice, incident.last)
        key = key_of(incident.subject)
        self._shelf.put(key, _document(incident))
        self._open[key] = incident

    def close(self, incident: Incident, when: datetime, notice: Notice | None) -> None:
        """It is over: say so, and keep it for the history in the warehouse."""
        if notice:
            self._outbox.put(notice, when)
        key = key_of(incident.subject)
        self._closed.put(key_of(incident.id), {"incident": _document(incident), "recovered_at": when.isoformat()})
        self._shelf.drop(key)
        self._open.pop(key, None)

    def write_history(self) -> None:
        """Bring what is over into the warehouse, where there is one: what cannot be written now is written later."""
        if self._warehouse is None:
            return
        closed = self._closed.all()
        if not closed:
            return
        with self._warehouse.session() as session:
            for key, document in closed.items():
                incident = _INCIDENT.validate_python(document["incident"])
                Incidents(self._warehouse).record(session, incident, datetime.fromisoformat(document["recovered_at"]))
                self._closed.drop(key)


def _document(incident: Incident) -> object:
    return _INCIDENT.dump_python(replace(incident, error=incident.error[:_ERROR]), mode="json")
