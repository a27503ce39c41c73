"""The words of the messages about runs: what happened, what it means, and what to type."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prefect.utilities.urls import url_for

from daybook.errors import AuditDiffers
from daybook.monitoring.incidents.impact import at, lasting
from daybook.monitoring.incidents.incident import Incident, Kind
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.deployments import run_command
from daybook.orchestration.notifications.detect.failed_runs import FailedRun

_CRASHED = "nothing half done is ever seen: a load is there as a whole, or not at all"


def opened(incident: Incident, failed: FailedRun, task: str | None, meanwhile: Sequence[str]) -> Notice:
    """The message by which an incident begins."""
    return Notice(
        tone=Tone.FAILED,
        title=incident.title,
        facts=_facts(failed, task),
        error=incident.error,
        meanwhile=tuple(meanwhile),
        command=rerun(failed),
        link=link(failed.run.id),
        owner=incident.owner,
        incident=incident.id,
        notes=(_CRASHED,) if failed.run.state and failed.run.state.is_crashed() else (),
    )


def still(incident: Incident, failed: FailedRun, task: str | None) -> Notice:
    """A word more, once it has failed again."""
    return Notice(
        tone=Tone.STILL,
        title=f"{incident.subject} is still failing since {at(incident.since)}, {ordinal(incident.times)} time",
        facts=_facts(failed, task),
        error=incident.error,
        command=rerun(failed),
        link=link(failed.run.id),
        owner=incident.owner,
        incident=incident.id,
    )


def recovered(incident: Incident, when: datetime, how: str = "", verb: str = "recovered") -> Notice:
    """The message by which an incident ends."""
    facts = [("Since", at(incident.since)), ("Until", at(when))]
    if incident.kind is Kind.FAILED:
        facts.append(("Failed", "once" if incident.times == 1 else f"{incident.times} times"))
    after = lasting((when - incident.since) / timedelta(seconds=1))
    return Notice(
        tone=Tone.RECOVERED,
        title=f"{incident.subject} {verb} after {after}",
        facts=tuple(facts),
        meanwhile=(how,) if how else (),
        owner=incident.owner,
        incident=incident.id,
    )


def title_of(failed: FailedRun) -> str:
    """What failed, in a line: "raw_data.nps failed: 2021-02-05"; of an audit, what it found."""
    state = failed.run.state
    name = state.name if state else ""
    verb = {"TimedOut": "took too long", "Crashed": "was lost"}.get(name or "", "failed")
    if failed.plan:
        return f"{failed.plan.table.name} {verb}: {failed.plan.label}"
    if failed.tables:
        return f"{', '.join(failed.tables[:3])}{' and others' if len(failed.tables) > 3 else ''} {verb}"
    if failed.kind is AuditDiffers and failed.about:
        return f"{failed.about} differs from its source"
    return f"{failed.deployment or failed.flow} {verb}: {failed.run.name}"


def rerun(failed: FailedRun) -> str | None:
    """The command that runs the same again, for the interval that it was meant for; what an audit found, it repairs."""
    if failed.deployment is None:
        return None
    parameters = dict(failed.passed)
    if failed.plan and failed.plan.intervals:
        table, intervals = failed.plan.table, failed.plan.intervals
        assert table.grid is not None
        parameters |= table.grid.dates(intervals[0], intervals[-1])
    if failed.kind is AuditDiffers:
        if parameters.get("whole"):
            return None  # it repairs nothing: what mends it stands in the error
        parameters["repair"] = True
    return run_command(failed.deployment, parameters)


def link(run: object) -> tuple[str, str] | None:
    """The page of a run, of which this is the id."""
    url = url_for("flow-run", obj_id=str(run))
    return ("The run", url) if url else None


def ordinal(number: int) -> str:
    """ "second", "third", and from the tenth on "10th"."""
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
    if number <= len(words):
        return words[number - 1]
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0, "th")
    return f"{number}{last}"


def _facts(failed: FailedRun, task: str | None) -> tuple[tuple[str, str], ...]:
    tries = failed.run.run_count or 1
    facts = [("Table", ", ".join(failed.tables))] if failed.tables else []
    facts += [("Interval", failed.plan.label)] if failed.plan else []
    facts += [("Run", failed.run.name)] if not failed.plan else []
    facts += [("Task", task)] if task else []
    facts += [("Tries", str(tries)), ("When", f"{failed.ended.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")]
    return tuple(facts)
