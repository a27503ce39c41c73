"""The model of a summary's two files: `<name>.sql` with one SELECT, and `<name>.yaml` with its other fields.

This model defines every field of the YAML file. `daybook schemas` writes `tables/summary.schema.json` from it, which
editors use for completion.
"""

import re
from typing import Annotated

from pydantic import Field, WithJsonSchema, model_validator

from daybook.definitions.deployment_fields import SCHEDULE_SCHEMA
from daybook.definitions.layouts import LayoutFields
from daybook.definitions.schedule import Schedule
from daybook.errors import IntervalError
from daybook.model.checks import Check, Names
from daybook.model.dataset import TypeName
from daybook.model.interval_grid import Grid, Unit
from daybook.model.types import Type, parse_type


class Summary(LayoutFields):
    """A table that is built from other tables by one SELECT."""

    sql: str = Field(exclude=True, description="The SELECT, from the .sql file.")
    key: Names = Field(min_length=1, description="The columns that identify a row.")
    input_checks: tuple[Check, ...] = Field((), description="Checks of the inputs, run before the build.")
    output_checks: tuple[Check, ...] = Field(
        (), description="Checks of the new rows, run before they replace the old ones."
    )
    columns: dict[str, TypeName] = Field(
        {}, description="Types of columns, as column: type, to override the types that the SELECT returns."
    )
    allow_empty: bool = Field(False, description="If true, a build may have no rows.")
    interval: Unit | None = Field(
        None, description="The length of an interval. If it is set, only intervals whose inputs changed are built."
    )
    lookback: int = Field(
        0,
        ge=0,
        description="The number of earlier intervals that the build of an interval also reads. Example: 6 for a "
        "7-day average.",
    )
    schedule: Annotated[Schedule | None, WithJsonSchema(SCHEDULE_SCHEMA)] = Field(
        None,
        description='When the summary is built: a cron text ("0 6 * * *"), an interval (6h), or `after:` with the '
        "tables and summaries to wait for. Default: after each commit to a table that it reads, and once a day with "
        "the other summaries.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "Summary":
        if (self.interval is None) != (self.cursor is None):
            raise ValueError("interval and cursor belong together: set both or neither")
        if self.lookback and self.interval is None:
            raise ValueError("lookback counts intervals: add interval and cursor")
        try:
            Grid(self.interval or "day", self.timezone)
        except IntervalError as error:
            raise ValueError(f"timezone: {error}") from None
        if self.schedule and self.name in self.schedule.after:
            raise ValueError("schedule.after: the summary cannot wait for itself")
        self._check_checks()
        return self

    def _check_checks(self) -> None:
        for check in self.input_checks:
            if check.change_within is not None:
                raise ValueError(
                    "input_checks: change_within compares this summary with its last build: move it to output_checks"
                )
            if check.of_own_table:
                raise ValueError(
                    f"input_checks: {check.kind} checks {self.name} itself, which is not built yet: name the table to "
                    "check " + ("instead of {table}" if check.sql else "with table: schema.table")
                )
        for check in self.output_checks:
            if check.sql and re.search(rf"(?<![\w.]){re.escape(self.name)}(?![\w.])", check.sql, re.IGNORECASE):
                raise ValueError(
                    f"output_checks: write {{table}} instead of {self.name}, which still has the rows of the last build"
                )

    @property
    def declared_types(self) -> dict[str, Type]:
        """Return the column types that the file declares, by column."""
        return {name: parse_type(text) for name, text in self.columns.items()}
