"""What the file of any table of the warehouse says, whatever its rows come from: a source, or a SELECT."""

from datetime import time
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from daybook.model.checks import Names
from daybook.model.interval_grid import Grid, Unit
from daybook.model.table_name import TableName
from daybook.model.types import parse_type
from daybook.model.yaml_model import Strict


def _type_text(value: Any) -> Any:
    if isinstance(value, str):
        parse_type(value)
    return value


def _quoted_time(value: Any) -> Any:
    if isinstance(value, int):  # YAML 1.1 reads 10:00 as sixty times ten
        raise ValueError('write the time in quotes, as in due: "10:00"')
    return value


TypeName = Annotated[str, BeforeValidator(_type_text)]
Due = Annotated[time | None, BeforeValidator(_quoted_time)]


class Dataset(Strict):
    """A table of the warehouse that has a file."""

    name: str = Field(exclude=True, description="schema.table, taken from the folder and the file.")
    description: str = Field(description="What one row is, and of what: 'One answer a row to …'.")
    owner: str = Field(description="The team to ask.")
    key: Names = Field((), description="The columns that tell one row from every other.")
    cursor: str | None = Field(None, description="The column whose value says to which interval a row belongs.")
    interval: Unit | None = Field(None, description="How long one interval is.")
    timezone: str = Field(
        "UTC", description="The IANA zone in which days begin, and in which a cursor without a zone is read."
    )
    due: Due = Field(None, description='By when the last interval must be there, in `timezone`: "10:00".')

    @field_validator("key")
    @classmethod
    def _each_once(cls, key: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(key)) != len(key):
            raise ValueError("key names a column twice")
        return key

    @property
    def schema_name(self) -> str:
        """The schema in the warehouse."""
        return TableName.parse(self.name).schema

    @property
    def table_name(self) -> str:
        """The name without its schema."""
        return TableName.parse(self.name).table

    @cached_property
    def grid(self) -> Grid | None:
        """The grid of its intervals; None for one that is only ever made whole."""
        return Grid(self.interval, self.timezone) if self.interval else None

    @property
    def load_grid(self) -> Grid | None:
        """Return the grid of the intervals that loads and builds bring; None if each of them brings all of it."""
        return self.grid
