"""Report that Prefect has stopped scheduling runs, and when it resumes."""

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


def report_scheduler(store: IncidentStore, client: SyncPrefectClient, now: datetime) -> None:
    """Open one incident when Prefect stops scheduling runs, and close it when scheduling resumes."""
    problem, known = find_problem(client, now), store.about(SUBJECT)
    if problem is None:
        if known:
            store.close(known, now, messages.recovered(known, now, "Every active schedule has upcoming runs again."))
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
        impact=problem.causes,
        owner=incident.owner,
        incident=incident.id,
    )
    store.keep(incident, notice)
