"""A summary as its two files describe it: `<name>.sql` with one SELECT, and `<name>.yaml` with what must hold of it.

The model below is the whole vocabulary of the YAML file: `tables/summary.schema.json`, with which editors complete it,
is made from it (`python -m daybook.tables`).
"""

import re

from pydantic import Field, model_validator

from daybook.errors import IntervalError
from daybook.model.checks import Check, Names
from daybook.model.dataset import Dataset, TypeName
from daybook.model.interval_grid import Grid, Unit
from daybook.model.types import Type, parse_type


class Summary(Dataset):
    """A table that is made of other tables by one SELECT."""

    sql: str = Field(exclude=True, description="The SELECT, taken from the .sql file.")
    key: Names = Field(min_length=1, description="The columns that tell one row from every other.")
    input_checks: tuple[Check, ...] = Field((), description="What must hold in what it reads, before it is built.")
    output_checks: tuple[Check, ...] = Field((), description="What must hold in it, before anybody sees it.")
    columns: dict[str, TypeName] = Field(
        {}, description="Column: type, where the type that the SELECT gives a column is not the one that is wanted."
    )
    allow_empty: bool = Field(False, description="Whether a build without a row is good.")
    interval: Unit | None = Field(
        None, description="How long one interval is. With it, only the intervals whose inputs have changed are built."
    )
    lookback: int = Field(
        0, ge=0, description="How many intervals before its own the rows of an interval are made of: 6 for 7 days."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> "Summary":
        if (self.interval is None) != (self.cursor is None):
            raise ValueError("interval and cursor belong together: give both, or neither")
        if self.lookback and self.interval is None:
            raise ValueError("lookback counts intervals: it needs interval and cursor")
        try:
            Grid(self.interval or "day", self.timezone)
        except IntervalError as error:
            raise ValueError(f"timezone: {error}") from None
        self._check_checks()
        return self

    def _check_checks(self) -> None:
        for check in self.input_checks:
            if check.change_within is not None:
                raise ValueError(
                    "input_checks: change_within compares this summary with its last build: put it into output_checks"
                )
            if check.of_own_table:
                raise ValueError(
                    f"input_checks: {check.kind} looks at {self.name} itself, which is not built yet: name the table "
                    "that it is about, by " + ("its name instead of {table}" if check.sql else "table: schema.table")
                )
        for check in self.output_checks:
            if check.sql and re.search(rf"(?<![\w.]){re.escape(self.name)}(?![\w.])", check.sql, re.IGNORECASE):
                raise ValueError(
                    f"output_checks: write {{table}} instead of {self.name}, which still holds the last build then"
                )

    @property
    def declared_types(self) -> dict[str, Type]:
        """Column: type, of the columns whose type the file declares."""
        return {name: parse_type(text) for name, text in self.columns.items()}
