"""A deployment as a document of plain values, to compare what the project declares with what the server has."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.events.schemas.automations import Automation, CompoundTrigger, EventTrigger, Posture, TriggerTypes

from daybook.definitions.project_file import ProjectFile
from daybook.definitions.targets.project_target import Target
from daybook.orchestration.deploy.wanted import Wanted
from daybook.orchestration.events import LOADED, RESOURCE, event_in_target

#: The tag of every deployment of Daybook, and the beginning of the tag with the project's name.
TAG, PROJECT_TAG = "daybook", "daybook-project:"
#: A heartbeat every 30 s reveals a run whose machine died.
_ENV = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
_A_DAY = timedelta(days=1)
ENQUEUE = "ENQUEUE"

Document = dict[str, Any]
Trigger = EventTrigger | CompoundTrigger


@dataclass(frozen=True)
class Settings:
    """What all deployments of a project share."""

    project: str
    work_pool: str
    pull: Sequence[Mapping[str, Any]]
    env: Mapping[str, str]
    target: Target
    former: str | None = None
    """The name that the project had before, whose deployments it takes over."""

    @classmethod
    def of(cls, project: ProjectFile, root: str, target: Target, former: str | None = None) -> "Settings":
        """Return the settings of a project in the folder `root`, in one target."""
        here = [{"prefect.deployments.steps.set_working_directory": {"directory": root}}]
        return cls(project.name, project.work_pool, project.pull or here, project.deployments.env, target, former)

    @property
    def tag(self) -> str:
        """Return the tag of the project's deployments in this target."""
        return self.target.project_tag(PROJECT_TAG + self.project)

    @property
    def known_tags(self) -> list[str]:
        """Return `tag`, and the tag of the project's former name, if there is one."""
        return [self.tag, *([self.target.project_tag(PROJECT_TAG + self.former)] if self.former else [])]

    def owns(self, tags: Collection[str]) -> bool:
        """Return True if a deployment with these tags is of this project and target."""
        return not set(self.known_tags).isdisjoint(tags) and self.target.owns(tags)


def document_of(wanted: Wanted, settings: Settings, schema: Mapping[str, Any]) -> Document:
    """Return the document of a declared deployment. `schema` is that of its flow's parameters."""
    return {
        "description": wanted.description,
        "tags": sorted({TAG, settings.tag, *settings.target.tags, *wanted.tags}),
        "parameters": dict(wanted.parameters),
        "entrypoint": wanted.entrypoint,
        "pull steps": [dict(step) for step in settings.pull],
        "environment": {"env": {**_ENV, **settings.env, **wanted.env, **_target_environment(settings.target)}},
        "work pool": settings.work_pool,
        "concurrency": [wanted.limit, ENQUEUE if wanted.limit else None],
        "form": dict(schema),
        "schedule": {wanted.schedule.slug: _schedule(wanted.schedule.as_prefect())} if wanted.schedule else {},
        "trigger": _trigger_document(trigger_of(wanted)),
    }


def _target_environment(target: Target) -> Mapping[str, str]:
    return {} if target.is_prod else target.environment()


def document_on_server(found: DeploymentResponse, automations: Sequence[Automation]) -> Document:
    """Return the document of a deployment on the server. `automations` are those that it owns."""
    limit, options = found.global_concurrency_limit, found.concurrency_options
    strategy = getattr(options.collision_strategy, "value", options.collision_strategy) if options else None
    triggers = [_trigger_document(one.trigger) for one in automations]
    return {
        "description": found.description,
        "tags": sorted(found.tags),
        "parameters": found.parameters or {},
        "entrypoint": found.entrypoint,
        "pull steps": found.pull_steps or [],
        "environment": found.job_variables or {},
        "work pool": found.work_pool_name,
        "concurrency": [limit.limit if limit else None, strategy if limit else None],
        "form": found.parameter_openapi_schema or {},
        "schedule": {one.slug or str(one.id): _schedule(one.schedule) for one in found.schedules},
        "trigger": triggers[0] if len(triggers) == 1 else triggers or None,
    }


def changes(wanted: Document, found: Document) -> list[str]:
    """Return the names of the parts that differ."""
    return [name for name, value in wanted.items() if value != found[name]]


def trigger_of(wanted: Wanted) -> Trigger | None:
    """Return the trigger that starts a run once the tables of `after` are loaded, or None without them."""
    if not wanted.after:
        return None
    if wanted.after_any or len(wanted.after) == 1:
        return _on_commit(wanted.after)
    # Each table must have been loaded since the last run, and all of them within a day.
    triggers: list[TriggerTypes] = [_on_commit([table]) for table in wanted.after]
    return CompoundTrigger(require="all", within=_A_DAY, triggers=triggers)


def _on_commit(tables: Sequence[str]) -> EventTrigger:
    resources = [RESOURCE + table for table in tables]
    match = {"prefect.resource.id": resources if len(resources) > 1 else resources[0]}
    return EventTrigger(expect={event_in_target(LOADED)}, match=match, posture=Posture.Reactive, threshold=1)


def _trigger_document(trigger: Any) -> Document | None:
    if trigger is None:
        return None
    if isinstance(trigger, CompoundTrigger):
        return {"all of": sorted(str(_trigger_document(one)) for one in trigger.triggers)}
    resources = trigger.model_dump(mode="json").get("match", {}).get("prefect.resource.id") or []
    return {"any of": sorted([resources] if isinstance(resources, str) else resources)}


def _schedule(schedule: Any) -> list[str]:
    if isinstance(schedule, CronSchedule):
        return [schedule.cron, str(schedule.timezone)]
    if isinstance(schedule, IntervalSchedule):
        return [f"every {schedule.interval}", str(schedule.timezone), schedule.anchor_date.isoformat()]
    return [str(schedule)]
