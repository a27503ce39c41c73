"""The model of a table file: `TableSpec` plus the source of its rows.

These models define every field of a table file. `daybook schemas` writes `tables/schema.json` from them, which editors
use for completion.
"""

from pydantic import Field, model_validator

from daybook.definitions.deployment_fields import DeploymentFields
from daybook.definitions.layouts import LayoutFields
from daybook.definitions.too_long import check_too_long
from daybook.model.masks import check_masks
from daybook.model.table_spec import TableSpec
from daybook.sources.registry import SourceConfig
from daybook.suggestions import did_you_mean


class Table(TableSpec, DeploymentFields, LayoutFields):
    """A table of the warehouse: the source of its rows, and how they are loaded."""

    source: SourceConfig = Field(description="Where the rows come from.")

    @model_validator(mode="after")
    def _check_masks(self) -> "Table":
        check_masks(self, self.source.kind, maskable=self.source.masks)
        check_too_long(self)
        return self

    @model_validator(mode="after")
    def _check_deployment(self) -> "Table":
        if self.schedule and self.name in self.schedule.after:
            raise ValueError("schedule.after: the table cannot wait for itself")
        if self.audit and not self.source.audited:
            raise ValueError(f"audit: a source of kind {self.source.kind} cannot be compared: write audit: null")
        if self.audit and self.audit.last and self.load_grid is None:
            raise ValueError("audit.last: the table has no intervals, so an audit compares all of it; remove last:")
        return self

    @model_validator(mode="after")
    def _check_source(self) -> "Table":
        self.source.check(self)
        return self

    @model_validator(mode="after")
    def _check_layouts(self) -> "Table":
        for field, layout in self.layouts.items():
            for column, option in layout.columns.items():
                if self.mask.get(column) == "drop":
                    raise ValueError(f"{field}.{option}: mask: drops the column {column!r}")
                if self.columns is not None and column.lower() not in map(str.lower, self.columns):
                    near = did_you_mean(column, self.columns, "add it there")
                    raise ValueError(f"{field}.{option}: columns: lacks {column!r}{near}")
        return self
