"""The fields of a target in `daybook.yaml`: where the same tables go in another environment."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from daybook.yaml_model import Strict

_AFFIX = re.compile(r"(?:[a-z0-9_]|\{user\})*")
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_LAST = re.compile(r"\s*([1-9]\d*)\s*(day|week)s?\s*")


def _affix(text: str) -> str:
    if not _AFFIX.fullmatch(text):
        raise ValueError("expected lower-case letters, digits, _ and {user}, such as dev_ or dbt_{user}_")
    return text


def _target_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not the name of a target: expected lower-case letters, digits and -, such as dev"
        )
    return text


def _days(value: Any) -> Any:
    found = _LAST.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("expected a number of days or weeks, such as 7 days")
    return int(found[1]) * (7 if found[2] == "week" else 1)


def _condition(text: str) -> str:
    from daybook.sources.database.filters import fragment_parser  # sqlglot takes long to import

    return fragment_parser.check(text, fragment_parser.parse_where)


TargetName = Annotated[str, AfterValidator(_target_name)]
Affix = Annotated[str, AfterValidator(_affix)]
Condition = Annotated[str, AfterValidator(_condition)]
Days = Annotated[int, BeforeValidator(_days), WithJsonSchema({"type": "string", "pattern": "(day|week)s?$"})]


class TargetSettings(Strict):
    """A target: another environment for the same tables. Every field has a default that keeps it apart from prod."""

    blocks: dict[str, str] = Field(
        {}, description="Blocks of this target, as block: block. Example: {production: production} reads prod's source."
    )
    block_suffix: str | None = Field(
        None,
        description="What is added to the name of every other block. Default: nothing for prod, else -NAME, so that "
        "`warehouse` is `warehouse-dev`.",
    )
    schema_prefix: Affix | None = Field(
        None,
        description="What is added before every schema. {user} is the name of the person. Default: nothing for prod, "
        "else NAME_, so that `raw_data.orders` is `dev_raw_data.orders`.",
    )
    schema_suffix: Affix = Field("", description="What is added after every schema.")
    stage_prefix: str | None = Field(
        None, description="The folder below the stage. Default: the stage itself for prod, else NAME."
    )
    schedules: bool | None = Field(
        None, description="If false, deployments have no active schedules. Default: true for prod, else false."
    )
    deployable: bool = Field(True, description="If false, `daybook deploy` refuses this target.")
    checks: Literal["fail", "warn"] = Field(
        "fail", description="warn: failed checks only warn, because a sample may have too few rows for them."
    )
    last: Days | None = Field(
        None,
        description="Owe only this many days: 7 days. It moves the `start` of every table that has one. Other tables "
        "are filtered by `where`.",
    )
    where: dict[str, Condition] = Field(
        {},
        description="Row filters for tables of a database, as pattern: condition, added to their own `where`. "
        "Example: {'raw_data.orders': \"country = 'DE'\"}.",
    )
