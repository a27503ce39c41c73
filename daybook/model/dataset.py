"""The fields that table files and summary files share."""

import re
from datetime import time
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from daybook.model.checks import Names
from daybook.model.interval_grid import Grid, Unit
from daybook.model.table_name import TableName
from daybook.model.types import parse_type
from daybook.yaml_model import Strict


def _type_text(value: Any) -> Any:
    if isinstance(value, str):
        parse_type(value)
    return value


def _quoted_time(value: Any) -> Any:
    if isinstance(value, int):  # YAML 1.1 reads 10:00 as the base-60 number 600
        raise ValueError('write the time in quotes, as in due: "10:00"')
    return value


#: The owner that `daybook describe` writes if it knows none.
NO_OWNER = "NAME_THE_TEAM_TO_ASK"
#: What `daybook describe` writes, or once wrote, for a person to replace.
PLACEHOLDER = re.compile(rf"{NO_OWNER}|(DESCRIBE|SAY) WHAT ONE ROW OF .*")
_INSTEAD = {
    "description": "write what one row represents, such as 'One row per order'",
    "owner": "write the team that answers questions about the table. For all tables at once, write "
    "defaults: {owner: TEAM} into daybook.yaml, and remove this line",
}

TypeName = Annotated[str, BeforeValidator(_type_text)]
Due = Annotated[time | None, BeforeValidator(_quoted_time)]


class Dataset(Strict):
    """A table of the warehouse that a file defines: loaded from a source, or a summary."""

    name: str = Field(exclude=True, description="schema.table, taken from the folder and the file.")
    description: str = Field(description="What one row represents: 'One row per answer to …'.")
    owner: str = Field(description="The team that answers questions about the table.")
    key: Names = Field((), description="The columns that identify a row.")
    cursor: str | None = Field(None, description="The column whose value assigns each row to an interval.")
    interval: Unit | None = Field(None, description="The length of one interval.")
    timezone: str = Field(
        "UTC", description="The IANA time zone of the intervals, and of cursor values without a time zone."
    )
    due: Due = Field(
        None, description='The time of day, in `timezone`, by which the last interval must be loaded: "10:00".'
    )

    @field_validator("description", "owner")
    @classmethod
    def _is_written(cls, text: str, field: ValidationInfo) -> str:
        if PLACEHOLDER.fullmatch(text.strip()):
            raise ValueError(f"{text!r} is a placeholder: {_INSTEAD[str(field.field_name)]}")
        return text

    @field_validator("key")
    @classmethod
    def _each_once(cls, key: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(key)) != len(key):
            raise ValueError("key has a column twice")
        return key

    @property
    def schema_name(self) -> str:
        """Return the schema in the warehouse."""
        return TableName.parse(self.name).schema

    @property
    def table_name(self) -> str:
        """Return the name without its schema."""
        return TableName.parse(self.name).table

    @cached_property
    def grid(self) -> Grid | None:
        """Return the grid of the table's intervals, or None if the table has no intervals."""
        return Grid(self.interval, self.timezone) if self.interval else None

    @property
    def load_grid(self) -> Grid | None:
        """Return the grid of the intervals that a load or build writes, or None if each writes the whole table."""
        return self.grid
