"""Report failed checks of severity `warn`: the rows are loaded, and their owner should look at them."""

from datetime import datetime

from daybook.monitoring.incidents.impact import at
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.monitor_events import checks_of
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.detect.failed_run import owner_of
from daybook.orchestration.notifications.detect.failures import should_repeat
from daybook.orchestration.notifications.incident_store import IncidentStore


def report_warning(store: IncidentStore, table: str, warnings: str, run: str | None, now: datetime) -> None:
    """Open or update the incident of a committed load or build of `table` with these `warnings`."""
    found = Incident(
        subject=checks_of(table),
        kind=Kind.WARNED,
        owner=owner_of(table),
        title=f"{table}: a check warns",
        since=now,
        last=now,
        error=warnings,
        seen=(run or now.isoformat(),),
        run=run,
    )
    known = store.about(found.subject)
    if known and set(found.seen) <= set(known.seen):
        return
    incident = known.merged_with(found) if known else found
    repeated = f"{table}: a check still warns, {messages.repeated(incident)}"
    notice = Notice(
        Tone.STILL if known else Tone.WARNED,
        repeated if known else found.title,
        facts=(("Table", table), ("When", at(now))),
        error=warnings,
        impact=("The rows are loaded, and readers see them.",),
        link=messages.link(run) if run else None,
        owner=found.owner,
        incident=incident.id,
    )
    store.keep(incident, notice if should_repeat(incident.times) else None)


def close_warning(store: IncidentStore, table: str, now: datetime) -> None:
    """Close the incident after a later load or build of `table` committed without a warning."""
    incident = store.about(checks_of(table))
    if incident:
        store.close(incident, now, messages.recovered(incident, now, "The last load passed all its checks."))
