"""The summaries that read a table."""

from pathlib import Path

from daybook.definitions.summary_files import read_summary, summary_names
from daybook.errors import DaybookError
from daybook.summaries.parse.lineage import read
from daybook.warehouses.base import Warehouse


def readers_of(warehouse: Warehouse, table: str, folder: Path) -> list[str]:
    """Return the summaries below `folder` that read `table`. One with an invalid file is left out."""
    found = []
    for name in summary_names(folder):
        try:
            if table in read(read_summary(name, folder), warehouse.sqlglot_dialect).inputs:
                found.append(name)
        except DaybookError:
            continue
    return found
