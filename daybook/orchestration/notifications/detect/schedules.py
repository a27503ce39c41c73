"""Prefect's own scheduling: that it has stopped is an incident, and so is its end."""

from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient

from daybook.monitoring.incidents.impact import at
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.detect.failures import UNOWNED
from daybook.orchestration.notifications.detect.scheduler_health import find_problem
from daybook.orchestration.notifications.incident_store import IncidentStore

SUBJECT = "Prefect's scheduling"


def report_scheduler(desk: IncidentStore, client: SyncPrefectClient, now: datetime) -> None:
    """Open the incident, once, while Prefect does not schedule what it should; close it when it does again."""
    problem, known = find_problem(client, now), desk.about(SUBJECT)
    if problem is None:
        if known:
            desk.close(known, now, messages.recovered(known, now, "Every active schedule has its runs again."))
        return
    if known:
        return
    incident = Incident(
        subject=SUBJECT,
        kind=Kind.UNSCHEDULED,
        owner=UNOWNED,
        title=problem.title,
        since=problem.since,
        last=now,
        seen=(problem.since.isoformat(),),
    )
    notice = Notice(
        Tone.LATE,
        problem.title,
        facts=(("Since", at(problem.since)),),
        meanwhile=problem.causes,
        owner=incident.owner,
        incident=incident.id,
    )
    desk.keep(incident, notice)
