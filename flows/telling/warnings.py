"""Checks of severity `warn` that do not hold: the rows are there, and somebody should look at them."""

from datetime import datetime

from daybook.incidents.incident import Incident, Kind
from daybook.incidents.meanwhile import at
from daybook.incidents.notice import Notice, Tone
from flows.telling import wording
from flows.telling.announce import checks_of
from flows.telling.desk import Desk
from flows.telling.failures import owner_of, worth_a_word


def tell_warning(desk: Desk, table: str, said: str, run: str | None, now: datetime) -> None:
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
    incident = known.again(found) if known else found
    repeated = f"{table}: a check still warns since {at(incident.since)}, {wording.ordinal(incident.times)} time"
    notice = Notice(
        Tone.STILL if known else Tone.WARNED,
        repeated if known else found.title,
        facts=(("Table", table), ("When", at(now))),
        error=said,
        meanwhile=("The rows are loaded, and readers see them.",),
        link=wording.link(run) if run else None,
        owner=found.owner,
        incident=incident.id,
    )
    desk.keep(incident, notice if worth_a_word(incident.times) else None)


def close_warning(desk: Desk, table: str, now: datetime) -> None:
    """A later load or build of `table` was committed without a warning."""
    incident = desk.about(checks_of(table))
    if incident:
        desk.close(incident, now, wording.recovered(incident, now, "The last load passed all of its checks."))
