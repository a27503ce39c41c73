"""Prefect's own scheduling: that it has stopped is an incident, and so is its end."""

from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient

from daybook.incidents.incident import Incident, Kind
from daybook.incidents.meanwhile import at
from daybook.incidents.notice import Notice, Tone
from flows.telling import wording
from flows.telling.desk import Desk
from flows.telling.failures import UNOWNED
from flows.telling.scheduling import find_problem

SUBJECT = "Prefect's scheduling"


def tell_unscheduled(desk: Desk, client: SyncPrefectClient, now: datetime) -> None:
    """Open the incident, once, while Prefect does not schedule what it should; close it when it does again."""
    problem, known = find_problem(client, now), desk.about(SUBJECT)
    if problem is None:
        if known:
            desk.close(known, now, wording.recovered(known, now, "Every active schedule has its runs again."))
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
