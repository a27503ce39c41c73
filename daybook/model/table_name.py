"""The name of a table in the warehouse: `schema.table`.

The ledger, table files and Prefect's parameters keep the name as a string. Parse it where a part is needed.
"""

from pathlib import Path
from typing import NamedTuple


class TableName(NamedTuple):
    """The two parts of a table's name. `str()` joins them."""

    schema: str
    table: str
    """Everything after the first dot."""

    @classmethod
    def parse(cls, name: str) -> "TableName":
        """Return the parts of `name`.

        Raises:
            ValueError: `name` is not `schema.table`.
        """
        schema, _, table = name.partition(".")
        if not (schema and table):
            raise ValueError(f"{name!r} is not the name of a table: expected schema.table")
        return cls(schema, table)

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"

    def path(self, folder: Path, ending: str = "") -> Path:
        """Return the path of the table's file below `folder`. `ending` is .yaml or .sql; without it, of its folder."""
        return folder / self.schema / f"{self.table}{ending}"
