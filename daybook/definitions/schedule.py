"""When a deployment runs: the fields `schedule:` and `audit:` of a table file."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from daybook.errors import IntervalError
from daybook.model.checks import TableReference
from daybook.model.timezones import find_zone
from daybook.yaml_model import Strict

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMS = (
    'expected a cron text ("0 6 * * *"), an interval (15m, 6h, 1d, or PT15M as in ISO 8601), or after: with the tables '
    "to wait for"
)
_SHORTEST = timedelta(minutes=1)


def checked_cron(text: str) -> str:
    """Return a cron text with single spaces. Raises ValueError if it does not have five valid fields."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(f"{text!r} is not a cron text: it needs five fields (minute hour day month weekday)")
    try:
        next(CronSim(" ".join(fields), datetime(2024, 1, 1)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"{text!r} is not a cron text: {str(error) or 'it names no date'}") from None
    return " ".join(fields)


def _interval(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(_FORMS)
    found = re.fullmatch(r"(\d{1,6})\s*([mhdw])", value.strip())
    try:
        read = (
            timedelta(**{_UNITS[found[2]]: int(found[1])})
            if found
            else TypeAdapter(timedelta).validate_python(value.strip() if value.strip()[:1] == "P" else "")
        )
    except (ValidationError, OverflowError):
        raise ValueError(f"{value!r} is not an interval: {_FORMS}") from None
    if read < _SHORTEST:
        raise ValueError(f"{value!r} is too short: the shortest interval between runs is 1m")
    return read


def _zone(name: str) -> str:
    try:
        find_zone(name)
    except IntervalError as error:
        raise ValueError(str(error)) from None
    return name


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Cron = Annotated[str, AfterValidator(checked_cron)]
Every = Annotated[timedelta, BeforeValidator(_interval), WithJsonSchema({"type": "string"})]
Zone = Annotated[str, AfterValidator(_zone)]
_AFTER = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
After = Annotated[tuple[TableReference, ...], BeforeValidator(_one_or_more), WithJsonSchema(_AFTER)]


class Schedule(Strict):
    """When a table is loaded: one of `cron`, `every` and `after`. A text alone is a `cron` or an `every`."""

    cron: Cron | None = Field(None, description='A cron text with five fields: "0 6 * * *".')
    every: Every | None = Field(None, description="The time between two runs: 15m, 6h, 1d, or PT15M as in ISO 8601.")
    after: After = Field((), description="The tables to wait for: a run starts when each of them was loaded.")
    timezone: Zone | None = Field(None, description="The time zone of `cron` and `every`. Default: that of the table.")
    paused: bool = Field(
        False,
        description="true: deploy the schedule switched off. Without it, a schedule that a person paused stays paused.",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"cron" if len(value.split()) > 2 else "every": value}
        if not isinstance(value, dict):
            raise ValueError(_FORMS)
        return value

    @model_validator(mode="after")
    def _is_one(self) -> "Schedule":
        given = [name for name in ("cron", "every", "after") if getattr(self, name)]
        if len(given) != 1:
            found = f"{' and '.join(given)} are both given" if given else "nothing is given"
            raise ValueError(f"{found}: {_FORMS}")
        return self

    @property
    def text(self) -> str:
        """Return the schedule as people write it: `0 6 * * *`, `every 6h`, `after raw_data.orders`."""
        if self.cron:
            return self.cron
        return f"every {duration_text(self.every)}" if self.every else f"after {', '.join(self.after)}"


def duration_text(length: timedelta) -> str:
    """Return an interval in its largest whole unit: `6h`, `90m`, `2d`; in seconds if it has no whole minutes."""
    seconds = int(length.total_seconds())
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


class AuditSchedule(Strict):
    """When a table is compared with its source, and how much of it. The text `weekly` is a quiet hour of Sunday."""

    cron: Cron | None = Field(None, description="A cron text. Default: once a week, between 1:00 and 7:00 on Sunday.")
    last: int | None = Field(
        None, ge=1, description="The number of newest intervals to compare. Default: those of 90 days."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if value == "weekly":
            return {}
        if isinstance(value, str) and len(value.split()) > 1:
            return {"cron": value}
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is not an audit: expected weekly, a cron text, or cron: and last:")
        return value
