"""A deployment as the project declares it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from prefect import Flow
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

from daybook.definitions.schedule import Schedule, duration_text
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.targets.project_target import either_name

#: The slug of a declared schedule, and of one with `paused: true`. Prefect keeps what a person did to a schedule by its
#: slug. With another slug, `paused:` takes effect when it is added to the file or removed from it.
SLUG, PAUSED_SLUG = "schedule", "schedule-paused"
_ANCHOR = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WantedSchedule:
    """A cron text or an interval, in a time zone."""

    timezone: str
    cron: str | None = None
    every: timedelta | None = None
    paused: bool = False
    stays_paused: bool = False
    """True if a person has paused the schedules of these tables, which this one replaces."""

    @classmethod
    def of(cls, schedule: Schedule, timezone: str) -> "WantedSchedule":
        """Return a schedule of a table file. `timezone` is the table's."""
        return cls(schedule.timezone or timezone, schedule.cron, schedule.every, schedule.paused)

    @property
    def slug(self) -> str:
        """Return the identity of the schedule within its deployment."""
        return PAUSED_SLUG if self.paused else SLUG

    @property
    def text(self) -> str:
        """Return the schedule for people: `0 6 * * * UTC`, `every 6h`."""
        when = f"{self.cron} {self.timezone}" if self.cron else f"every {duration_text(self.every or timedelta())}"
        return f"{when}, paused" if self.paused else f"{when}, paused as before" if self.stays_paused else when

    @property
    def active(self) -> bool:
        """Return True if a new schedule starts runs."""
        return not (self.paused or self.stays_paused)

    def as_prefect(self) -> CronSchedule | IntervalSchedule:
        """Return Prefect's object."""
        if self.cron:
            return CronSchedule(cron=self.cron, timezone=self.timezone)
        assert self.every is not None
        return IntervalSchedule(interval=self.every, anchor_date=_ANCHOR, timezone=self.timezone)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A deployment that the project declares."""

    flow: str
    """The flow's module below `daybook.flows`, which is also the name of its function: `load_table`."""
    name: str
    description: str
    tags: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    schedule: WantedSchedule | None = None
    after: tuple[str, ...] = ()
    """The tables whose commits start a run."""
    after_any: bool = False
    """True: the commit of any of them starts a run. False: a run starts once all of them have been loaded."""
    limit: int | None = 1
    """How many runs may be active at once; another one waits. None: any number."""
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def flow_name(self) -> str:
        """Return the flow's name in Prefect: `load-table`."""
        return self.flow.replace("_", "-")

    @property
    def full_name(self) -> str:
        """Return the name as people type it: `load/raw_data.orders`."""
        return f"{self.flow_name}/{self.name}"

    @property
    def entrypoint(self) -> str:
        """Return the import path of the flow. It is the same in a wheel, a checkout and an image."""
        return f"daybook.flows.{self.flow}.{self.flow}"

    @property
    def starts(self) -> str:
        """Return when it runs, for people."""
        if self.schedule:
            return self.schedule.text
        if not self.after:
            return "on demand"
        shown = ", ".join(self.after[:3]) + (f" and {len(self.after) - 3} more" if len(self.after) > 3 else "")
        return f"after {'any of ' if self.after_any and len(self.after) > 1 else ''}{shown}"


def timing_of(dataset: Table | Summary) -> tuple[WantedSchedule | None, tuple[str, ...]]:
    """Return the schedule of a table or summary, or the tables whose commits start a run of it. Both may be empty."""
    given = dataset.schedule
    if given is None:
        return None, ()
    if given.after:  # files have the names of prod
        return None, () if given.paused else tuple(map(either_name, given.after))
    return WantedSchedule.of(given, dataset.timezone), ()


def parameter_schema(flow: str) -> dict[str, Any]:
    """Return the schema of the parameters of a flow, by its module's name. The UI makes its form from it."""
    found = getattr(import_module(f"daybook.flows.{flow}"), flow)
    assert isinstance(found, Flow)
    return found.parameters.model_dump(exclude_unset=True)
