"""Write the messages about runs: what happened, what it means, and the command to run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect.utilities.urls import url_for

from daybook.errors import AuditDiffers
from daybook.load.planning.scattered import INTERVALS, parameters_of
from daybook.monitoring.incidents.impact import at, lasting
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.deployments import RANGE, run_command
from daybook.orchestration.notifications.detect.failed_run import FailedRun

_TABLES = 8  # tables in a message
_CRASHED = "Readers never see partial data: a load commits completely or not at all."


def opened(incident: Incident, failed: FailedRun, task: str | None, impact: Sequence[str]) -> Notice:
    """Return the first message of an incident."""
    return Notice(
        tone=Tone.FAILED,
        title=incident.title,
        facts=_facts(failed, task),
        error=incident.error,
        impact=tuple(impact),
        command=rerun(failed),
        link=link(failed.run.id),
        owner=incident.owner,
        incident=incident.id,
        notes=(_CRASHED,) if failed.run.state and failed.run.state.is_crashed() else (),
    )


def still(incident: Incident, failed: FailedRun, task: str | None) -> Notice:
    """Return a follow-up, after another failure."""
    return Notice(
        tone=Tone.STILL,
        title=f"{incident.subject} is still failing: {repeated(incident)}",
        facts=_facts(failed, task),
        error=incident.error,
        command=rerun(failed),
        link=link(failed.run.id),
        owner=incident.owner,
        incident=incident.id,
    )


def recovered(incident: Incident, when: datetime, how: str = "", verb: str = "recovered") -> Notice:
    """Return the last message of an incident. `how` is a sentence about the end, `verb` what the subject did."""
    facts = [("Since", at(incident.since)), ("Until", at(when))]
    if incident.kind is Kind.FAILED:
        facts.append(("Failed", "once" if incident.times == 1 else f"{incident.times} times"))
    after = lasting((when - incident.since) / timedelta(seconds=1))
    return Notice(
        tone=Tone.RECOVERED,
        title=f"{incident.subject} {verb} after {after}",
        facts=tuple(facts),
        impact=(how,) if how else (),
        owner=incident.owner,
        incident=incident.id,
    )


def title_of(failed: FailedRun) -> str:
    """Return one line that names what failed: `raw_data.nps failed: 2021-02-05`; for an audit, its finding."""
    state = failed.run.state
    name = state.name if state else ""
    verb = {"TimedOut": "timed out", "Crashed": "crashed"}.get(name or "", "failed")
    if failed.plan:
        return f"{failed.plan.table.name} {verb}: {failed.plan.label}"
    if failed.tables:
        return f"{', '.join(failed.tables[:3])}{' and others' if len(failed.tables) > 3 else ''} {verb}"
    if failed.kind is AuditDiffers and failed.about:
        return f"{failed.about} differs from its source"
    return f"{failed.deployment or failed.flow} {verb}: {failed.run.name}"


def rerun(failed: FailedRun) -> str | None:
    """Return the command that reruns the same interval or repairs what an audit found, or None."""
    if failed.deployment is None:
        return None
    parameters = dict(failed.passed)
    if failed.plan and failed.plan.intervals:
        table, intervals = failed.plan.table, failed.plan.intervals
        assert table.grid is not None
        others = {name: value for name, value in parameters.items() if name not in RANGE and name != INTERVALS}
        parameters = others | parameters_of(table.grid, intervals)
    if failed.kind is AuditDiffers:
        if parameters.get("whole"):
            return None  # an audit of a whole table cannot repair; its error says what to do
        parameters["repair"] = True
    return run_command(failed.deployment, parameters)


def link(run: object) -> tuple[str, str] | None:
    """Return the link text and URL of the page of the run with this ID, or None if the server has no UI."""
    url = url_for("flow-run", obj_id=str(run))
    return ("View run", url) if url else None


def repeated(incident: Incident) -> str:
    """Return `third time since 2021-02-09 13:25 UTC`."""
    return f"{ordinal(incident.times)} time since {at(incident.since)}"


def ordinal(number: int) -> str:
    """Return "second", "third", and from ten on "10th"."""
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
    if number <= len(words):
        return words[number - 1]
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{last}"


def _facts(failed: FailedRun, task: str | None) -> tuple[tuple[str, str], ...]:
    tables, more = failed.tables[:_TABLES], len(failed.tables) - _TABLES
    facts = [("Table", ", ".join(tables) + (f" and {more} more" if more > 0 else ""))] if tables else []
    facts += [("Interval", failed.plan.label)] if failed.plan else []
    facts += [("Run", failed.run.name)] if not failed.plan else []
    facts += [("Task", task)] if task else []
    facts += [
        ("Attempts", str(failed.run.run_count or 1)),
        ("When", f"{failed.ended.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
    ]
    return tuple(facts)
