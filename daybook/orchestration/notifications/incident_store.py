"""Open, update and close incidents, which are kept on the Prefect server between passes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from pydantic import TypeAdapter, ValidationError

from daybook.monitoring.incidents.incident import Incident
from daybook.monitoring.incidents.incident_log import IncidentLog
from daybook.monitoring.incidents.notice import Notice, without_secrets_in
from daybook.orchestration.notifications.outbox import Outbox
from daybook.orchestration.notifications.plain_text import clipped
from daybook.orchestration.variable_store import VariableStore, fits, key_of
from daybook.redaction import without_secrets
from daybook.warehouses.base import Warehouse

logger = logging.getLogger("daybook.notifications")

_INCIDENT = TypeAdapter(Incident)
_TITLE, _ERROR = 300, 800  # characters that are kept of each


class IncidentStore:
    """The open incidents. Only one pass at a time may work here (`daybook.orchestration.notifications.pass_lock`)."""

    def __init__(self, client: SyncPrefectClient, warehouse: Warehouse | None, secrets: Sequence[str] = ()) -> None:
        """`secrets` are redacted in all messages and incidents."""
        self._secrets = secrets
        self._store, self._outbox = VariableStore(client, "incident"), Outbox(client)
        self._closed = VariableStore(client, "closed")
        self._warehouse = warehouse
        self._open = _readable(self._store.all())

    @property
    def open(self) -> list[Incident]:
        """Return all open incidents, oldest first."""
        return sorted(self._open.values(), key=lambda incident: incident.since)

    def cleaned(self, text: str) -> str:
        """Return a text without secrets. Use it for subjects with user input: they are looked up in this form."""
        return without_secrets(text, self._secrets)

    def about(self, subject: str) -> Incident | None:
        """Return the open incident of a subject, or None."""
        return self._open.get(key_of(subject))

    def keep(self, incident: Incident, notice: Notice | None = None) -> None:
        """Save an incident, and send the notice, if any. Secrets in both are redacted."""
        if notice:
            self._outbox.put(without_secrets_in(notice, self._secrets), incident.last)
        incident = replace(incident, title=self.cleaned(incident.title), error=self.cleaned(incident.error))
        key = key_of(incident.subject)
        self._store.set(key, _document(incident))
        self._open[key] = incident

    def close(self, incident: Incident, when: datetime, notice: Notice | None) -> None:
        """Close an incident, send the notice, if any, and save the incident for the history in the warehouse."""
        if notice:
            self._outbox.put(without_secrets_in(notice, self._secrets), when)
        key = key_of(incident.subject)
        self._closed.set(key_of(incident.id), {"incident": _document(incident), "recovered_at": when.isoformat()})
        self._store.delete(key)
        self._open.pop(key, None)

    def write_history(self) -> None:
        """Write closed incidents to the warehouse. If it does not answer, a later pass writes them."""
        if self._warehouse is None:
            return
        closed = self._closed.all()
        if not closed:
            return
        with self._warehouse.session() as session:
            for key, document in closed.items():
                try:
                    incident = _INCIDENT.validate_python(document["incident"])
                except (ValidationError, LookupError, TypeError):
                    logger.warning("the variable daybook_closed_%s is not a valid incident: delete it in the UI", key)
                    continue
                IncidentLog(self._warehouse).record(session, incident, datetime.fromisoformat(document["recovered_at"]))
                self._closed.delete(key)


def _readable(documents: Mapping[str, Any]) -> dict[str, Incident]:
    """Return the incidents. An entry that was edited in the UI must not hide the others."""
    found = dict[str, Incident]()
    for key, document in documents.items():
        try:
            found[key] = _INCIDENT.validate_python(document)
        except ValidationError:
            logger.warning("the variable daybook_incident_%s is not a valid incident: delete it in the UI", key)
    return found


def _document(incident: Incident) -> Any:
    """Return the incident as a document for a variable. If it is too long, drop its error and its oldest entries."""
    short = replace(incident, title=clipped(incident.title, _TITLE), error=clipped(incident.error, _ERROR))
    document = _INCIDENT.dump_python(short, mode="json")
    while not fits(document) and (short.seen or short.awaits or short.error):
        seen, awaits = short.seen, short.awaits
        short = replace(short, error="", seen=seen[len(seen) // 10 + 1 :], awaits=awaits[len(awaits) // 10 + 1 :])
        document = _INCIDENT.dump_python(short, mode="json")
    return document
