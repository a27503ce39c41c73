"""The model of a table file: `TableSpec` plus the source of its rows.

These models define every field of a table file. `daybook schemas` writes `tables/schema.json` from them, which editors
use for completion.
"""

from pydantic import Field, model_validator

from daybook.model.masks import check_masks
from daybook.model.table_spec import TableSpec
from daybook.sources.registry import SourceConfig


class Table(TableSpec):
    """A table of the warehouse: the source of its rows, and how they are loaded."""

    source: SourceConfig = Field(description="Where the rows come from.")

    @model_validator(mode="after")
    def _check_masks(self) -> "Table":
        check_masks(self, self.source.kind, maskable=self.source.masks)
        return self
