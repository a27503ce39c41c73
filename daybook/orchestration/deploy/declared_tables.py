"""The deployments of a project's tables: one for each table, one for each shared run, one for each audit."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple
from zlib import crc32

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.schedule import duration_text
from daybook.definitions.table import Table
from daybook.orchestration.deploy.wanted import Wanted, WantedSchedule, timing_of

_AUDITED_DAYS = 90  # people still edit rows of so many days
_LENGTH = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30}  # in days
_QUIET_MINUTES = 6 * 60  # audits are spread over Sunday, 1:00 to 7:00
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED = 8  # tables in the description of a shared run


class _Shared(NamedTuple):
    """What the tables of a shared run have in common. The name of the run is made from all of it, and nothing else."""

    source: str
    schedule: WantedSchedule
    retries: int | None
    retry_seconds: int | None

    @property
    def name(self) -> str:
        more = [] if self.schedule.timezone == "UTC" else [self.schedule.timezone.lower().replace("/", "-")]
        more += [] if self.retries is None else [f"retries-{self.retries}"]
        more += [] if self.retry_seconds is None else [f"after-{duration_text(timedelta(seconds=self.retry_seconds))}"]
        return "-".join([self.source, _in_a_name(self.schedule), *more])


def table_deployments(project: ProjectFile, tables: Sequence[Table]) -> Iterator[Wanted]:
    """Yield the deployments of the tables. Every table has `load/<table>`, which loads it on demand and by backfills.

    Its schedule is there, too, or else on the run that it shares: `load/<source>-<schedule>`.
    """
    shared = dict[_Shared, list[Table]]()
    for table in tables:
        own, after = timing_of(table)
        if own and table.run == "shared" and not own.paused:
            key = _Shared(_source_of(table), own, table.retries, table.retry_seconds)
            shared.setdefault(key, []).append(table)
            own = None
        yield Wanted(
            "load",
            table.name,
            f"Load {table.name}: {table.description} Owner: {table.owner}.",
            (table.name, *table.tags),
            {"tables": [table.name]},
            own,
            after,
            limit=table.concurrency,
            env=_retries(table.retries, table.retry_seconds),
        )
        if table.audit:
            yield _audit(table)
    for key, together in shared.items():
        listed = [table.name for table in together]
        shown = ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")
        yield Wanted(
            "load",
            key.name,
            f"Load the tables of {key.source} with this schedule in one run; each fails alone: {shown}.",
            (*listed, *sorted({tag for table in together for tag in table.tags})),
            {"tables": listed, "at_once": project.deployments.tables_at_once},
            key.schedule,
            env=_retries(key.retries, key.retry_seconds),
        )


def _audit(table: Table) -> Wanted:
    assert table.audit is not None
    parameters: dict[str, object] = {"table": table.name}
    if table.interval and table.load_grid:
        parameters["last"] = table.audit.last or round(_AUDITED_DAYS / _LENGTH[table.interval])
        compared = f"the last {parameters['last']} intervals of {table.name}"
    else:
        parameters["whole"] = True
        compared = f"all of {table.name}"
    minute = 60 + crc32(table.name.encode()) % _QUIET_MINUTES
    cron = table.audit.cron or f"{minute % 60} {minute // 60} * * 0"
    return Wanted(
        "reconcile",
        table.name,
        f"Compare {compared} with its source. Differences notify the owner.",
        (table.name, *table.tags),
        parameters,
        WantedSchedule(table.timezone, cron),
    )


def _source_of(table: Table) -> str:
    """Return the block of a table's source, or the kind of a source without one, as part of a name."""
    return re.sub(r"[^\w-]+", "-", str(getattr(table.source, "block", None) or table.source.kind))


def _retries(retries: int | None, seconds: int | None) -> dict[str, str]:
    found = {} if retries is None else {"PREFECT_FLOWS_DEFAULT_RETRIES": str(retries)}
    return found | ({} if seconds is None else {"PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": str(seconds)})


def _in_a_name(schedule: WantedSchedule) -> str:
    """Return a schedule as part of a deployment's name: 0600, mon-0600, hourly-15, every-6h."""
    if schedule.every:
        return f"every-{duration_text(schedule.every)}"
    minute, hour, day, month, weekday = (schedule.cron or "").split()
    if minute.isdigit() and (day, month) == ("*", "*"):
        at = f"{int(hour):02}{int(minute):02}" if hour.isdigit() else None
        if at and weekday == "*":
            return at
        if at and weekday.isdigit() and int(weekday) < len(_DAYS):
            return f"{_DAYS[int(weekday)]}-{at}"
        if hour == "*" and weekday == "*":
            return "hourly" if minute == "0" else f"hourly-{int(minute):02}"
    if (found := re.fullmatch(r"\*/(\d+)", minute)) and (hour, day, month, weekday) == ("*",) * 4:
        return f"every-{found[1]}m"
    words = (schedule.cron or "").replace("*", "x").replace("/", "by").replace(",", "+").replace("#", "n")
    return "cron-" + words.replace(" ", "_").lower()
