"""Checks of severity `warn` that do not hold: the rows are there, and somebody should look at them."""

from datetime import datetime

from daybook.monitoring.incidents.impact import at
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.monitor_events import checks_of
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.detect.failures import owner_of, should_repeat
from daybook.orchestration.notifications.incident_store import IncidentStore


def report_warning(desk: IncidentStore, table: str, said: str, run: str | None, now: datetime) -> None:
    """A load or build of `table` was committed, and its checks warn of what they `said`."""
    found = Incident(
        subject=checks_of(table),
        kind=Kind.WARNED,
        owner=owner_of(table),
        title=f"{table}: a check warns",
        since=now,
        last=now,
        error=said,
        seen=(run or now.isoformat(),),
        run=run,
    )
    known = desk.about(found.subject)
    if known and set(found.seen) <= set(known.seen):
        return
    incident = known.merged_with(found) if known else found
    repeated = f"{table}: a check still warns since {at(incident.since)}, {messages.ordinal(incident.times)} time"
    notice = Notice(
        Tone.STILL if known else Tone.WARNED,
        repeated if known else found.title,
        facts=(("Table", table), ("When", at(now))),
        error=said,
        meanwhile=("The rows are loaded, and readers see them.",),
        link=messages.link(run) if run else None,
        owner=found.owner,
        incident=incident.id,
    )
    desk.keep(incident, notice if should_repeat(incident.times) else None)


def close_warning(desk: IncidentStore, table: str, now: datetime) -> None:
    """A later load or build of `table` was committed without a warning."""
    incident = desk.about(checks_of(table))
    if incident:
        desk.close(incident, now, messages.recovered(incident, now, "The last load passed all of its checks."))
