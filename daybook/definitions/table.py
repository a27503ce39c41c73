"""The model of a table file: `TableSpec` plus the source of its rows.

These models define every field of a table file. `daybook schemas` writes `tables/schema.json` from them, which editors
use for completion.
"""

from pydantic import Field, model_validator

from daybook.definitions.layouts import LayoutFields
from daybook.definitions.too_long import check_too_long
from daybook.model.masks import check_masks
from daybook.model.table_spec import TableSpec
from daybook.sources.registry import SourceConfig
from daybook.suggestions import did_you_mean


class Table(TableSpec, LayoutFields):
    """A table of the warehouse: the source of its rows, and how they are loaded."""

    source: SourceConfig = Field(description="Where the rows come from.")

    @model_validator(mode="after")
    def _check_masks(self) -> "Table":
        check_masks(self, self.source.kind, maskable=self.source.masks)
        check_too_long(self)
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
