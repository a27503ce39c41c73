"""The fields of table files that `daybook deploy` reads: when a table is loaded and audited, and by which runs."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from daybook.definitions.schedule import AuditSchedule, Cron, Every, Schedule, Zone
from daybook.model.dataset import Dataset
from daybook.yaml_model import Strict


def _tags(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _off(value: Any) -> Any:
    return None if value in (False, "off") else value


_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
SCHEDULE_SCHEMA = {"anyOf": [{"type": "string"}, Schedule.model_json_schema(), {"type": "null"}], "default": None}
_AUDIT = {"anyOf": [{"type": "string"}, AuditSchedule.model_json_schema(), {"type": "null"}], "default": None}


class DeploymentFields(Dataset):
    """The deployments of a table, which `daybook deploy` creates."""

    schedule: Annotated[Schedule | None, WithJsonSchema(SCHEDULE_SCHEMA)] = Field(
        None,
        description='When the table is loaded: a cron text ("0 6 * * *"), an interval (15m, 6h), or `after:` with the '
        "tables to wait for. Default: only on demand.",
    )
    run: Literal["shared", "own"] = Field(
        "shared",
        description="shared: one run loads all tables with the same source and schedule, and each fails alone. own: "
        "the table has runs of its own.",
    )
    tags: Annotated[tuple[str, ...], BeforeValidator(_tags), WithJsonSchema(_TEXTS)] = Field(
        (), description="More tags for the table's deployments."
    )
    concurrency: int = Field(1, ge=1, description="How many runs of the table's deployment may be active at once.")
    retries: int | None = Field(
        None, ge=0, description="How often a failed run is retried. Default: once. It also applies to a shared run."
    )
    retry_delay: Every | None = Field(None, description="The time before a retry: 3m, 1h. Default: 3m.")
    audit: Annotated[AuditSchedule | None, WithJsonSchema(_AUDIT)] = Field(
        None,
        description="When the table is compared with its source: weekly, a cron text, or `cron:` and `last:` (the "
        "number of intervals). Differences notify the owner. Default: only on demand.",
    )

    @property
    def retry_seconds(self) -> int | None:
        """Return `retry_delay` in seconds, or None for the default."""
        return None if self.retry_delay is None else int(self.retry_delay / timedelta(seconds=1))


Time = Annotated[Cron | None, BeforeValidator(_off), WithJsonSchema({"anyOf": [{"type": "string"}, {"const": False}]})]


class ProjectDeployments(Strict):
    """The deployments that a project has once. Each time is a cron text, or off."""

    catch_up: Time = Field("0 12 * * *", description="When `catch-up/daily` loads missed intervals.")
    summaries: Time = Field("25 13 * * *", description="When `summaries/daily` builds the summaries.")
    monitor: Time = Field(
        "*/15 * * * *", description="When `monitor/quarter-hourly` looks for failures and late tables."
    )
    key_metrics: Time = Field("10 8 * * 1", description="When `key-metrics/weekly` reports on the week.")
    timezone: Zone = Field("UTC", description="The time zone of these times.")
    tables_at_once: int = Field(4, ge=1, description="How many tables a shared run loads at the same time.")
    env: dict[str, str] = Field({}, description="Environment variables for the runs of every deployment.")
