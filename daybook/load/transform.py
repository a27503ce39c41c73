"""Transform: what a table file declares between its source and the warehouse, verified on the stage.

No row is rewritten between the two. The source's own query masks values and leaves out dropped columns, so that no
private value reaches the stage. The warehouse converts each value to its column's type as it copies the rows. This step
names those transformations, and proves that the stage has their result before anything is loaded.
"""

import logging
from dataclasses import replace

from daybook.errors import RowCountMismatch, StageError
from daybook.load.extraction.extract import Extracted
from daybook.stage.base import Stage
from daybook.stage.parts import read_manifest

logger = logging.getLogger(__name__)


def transform(extracted: Extracted, stage: Stage) -> Extracted:
    """Read the manifest back from the stage, verify it, and log how the rows on the stage differ from their source.

    Returns what was extracted, as the stage has it.

    Raises:
        StageError: the manifest is not there, or not the one that was written.
        RowCountMismatch: it has another number of rows than the source sent.
    """
    if extracted.unchanged:
        return extracted
    staged = read_manifest(stage, extracted.manifest.prefix)
    name = extracted.plan.table.name
    if staged.rows != extracted.rows:
        raise RowCountMismatch(f"{name}: the source sent {extracted.rows} rows, and the manifest has {staged.rows}")
    if staged != extracted.manifest:
        raise StageError(
            f"{name}: {stage.uri(staged.key)} is not the manifest that this run wrote: something else writes to the "
            "stage. Give Daybook a prefix of its own, and run it again"
        )
    if changes := transformations(extracted):
        logger.info("%s: %s", name, ", ".join(changes))
    return replace(extracted, manifest=staged)


def transformations(extracted: Extracted) -> list[str]:
    """Return what the table file changes between source and warehouse: `email hashed`, `score tinyint to smallint`."""
    words = {"hash": "hashed", "null": "set to NULL", "drop": "dropped"}
    masks = [f"{name} {words[mask]}" for name, mask in extracted.plan.table.mask.items()]
    sent = {column.name: column.type for column in extracted.described}
    wanted = ((column.name, column.type) for column in extracted.target.columns)
    return masks + [f"{name} {sent[name]} to {type}" for name, type in wanted if sent.get(name, type) != type]
