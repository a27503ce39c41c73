"""Decide if the warehouse reads the source's own files, so that no row is copied to the stage."""

from collections.abc import Sequence

from daybook.load.planning.plan import Plan
from daybook.model.types import Column
from daybook.sources.base import InPlace, Source
from daybook.stage.base import Stage
from daybook.stage.manifest import FilesInPlace
from daybook.warehouses.base import Warehouse


def files_in_place(
    source: Source, plan: Plan, warehouse: Warehouse, stage: Stage, columns: Sequence[Column]
) -> FilesInPlace | None:
    """Return the source's own files if the warehouse can read them in place without loss, or None.

    Files of several spans are never read in place: each row must be checked. The warehouse finds the list of the files
    on the stage, and reads from one region at a time.
    """
    simple = len(plan.spans) == 1 and all(
        column.type.kind in warehouse.reads_in_place and not column.mask for column in columns
    )
    files = source.in_place(columns, plan.spans[0]) if simple and isinstance(source, InPlace) else None
    return files if files and warehouse.reads_files(files) and files.region == stage.region() else None
