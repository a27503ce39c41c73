"""The deployments that a project needs once: loads on demand, backfills, audits, catch-up, summaries, the monitor."""

from collections.abc import Iterator, Sequence

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.summary import Summary
from daybook.errors import TableFileError
from daybook.orchestration.deploy.wanted import Wanted, WantedSchedule, timing_of
from daybook.summaries.parse.lineage import read

MONITOR = "monitor"  # the tag of the monitor's runs, whose failures start no other pass


def project_deployments(project: ProjectFile, summaries: Sequence[Summary]) -> Iterator[Wanted]:
    """Yield the project's own deployments, as the section `deployments:` of daybook.yaml schedules them.

    Raises:
        TableFileError: a summary's SELECT cannot be parsed.
    """
    settings = project.deployments

    def at(cron: str | None) -> WantedSchedule | None:
        return WantedSchedule(settings.timezone, cron) if cron else None

    yield Wanted("load_table", "on-demand", "Load any interval of any table under tables/.", (), limit=None)
    yield Wanted(
        "backfill",
        "on-demand",
        "Reload any past range of a table with runs of the deployment that loads it.",
        (),
        limit=None,
    )
    yield Wanted(
        "reconcile",
        "on-demand",
        "Compare a range of a table, or all of it, with its source, and optionally repair it.",
        (),
        limit=None,
    )
    if settings.catch_up:
        why = "Load the intervals that were missed, for every table. Runs after the day's own loads."
        yield Wanted("catch_up", "daily", why, (), schedule=at(settings.catch_up))
    yield from _summary_deployments(summaries, at(settings.summaries))
    if settings.key_metrics:
        why = "Compute failed runs, SLA attainment, time to recovery and freshness per table and week."
        yield Wanted("key_metrics", "weekly", why, (), {"tell": True}, at(settings.key_metrics))
    if settings.monitor:
        why = "Notify each table's owner of failures, late tables and recoveries."
        yield Wanted("monitor", "quarter-hourly", why, (MONITOR,), schedule=at(settings.monitor), limit=None)
    why = "Notify owners of the event that started this run."
    yield Wanted("monitor", "on-event", why, (MONITOR,), limit=None)


def _summary_deployments(summaries: Sequence[Summary], daily: WantedSchedule | None) -> Iterator[Wanted]:
    """Yield one deployment for each summary with a schedule of its own, and the two that build the others."""
    scheduled = [one for one in summaries if one.schedule]
    others = [one for one in summaries if not one.schedule]
    given = {"without": [one.name for one in scheduled]} if scheduled else {}
    if others and daily:
        why = "Build the summary tables whose inputs changed. Each is checked before it is published."
        yield Wanted("summaries", "daily", why, (), given, daily)
    if inputs := inputs_of(others):
        why = "Build the affected summary tables after each commit to a table that they read."
        yield Wanted("summaries", "when-inputs-land", why, (), given, after=inputs, after_any=True)
    for one in scheduled:
        why = f"Build {one.name}, if its inputs changed: {one.description} Owner: {one.owner}."
        own, after = timing_of(one)
        yield Wanted("summaries", one.name, why, (one.name,), {"tables": [one.name]}, own, after)


def inputs_of(summaries: Sequence[Summary]) -> tuple[str, ...]:
    """Return every table that one of these summaries reads, sorted, whatever its schema is.

    Leave out the summaries: one run builds them all, each after its inputs, so their own builds must not start another.

    Raises:
        TableFileError: a SELECT cannot be parsed.
    """
    names = {summary.name for summary in summaries}
    return tuple(sorted({name for summary in summaries for name in _reads(summary)} - names))


def _reads(summary: Summary) -> Sequence[str]:
    try:
        return read(summary, "postgres").inputs
    except TableFileError:  # without a connection, nothing says which warehouse it is
        return read(summary, "redshift").inputs
