"""Transform: verify the staged rows and log the transformations that the table file declares.

Daybook rewrites no row between the source and the warehouse. The source's own query masks values and leaves out dropped
columns, so that no private value reaches the stage. The warehouse converts each value to its column's type as it copies
the rows. This step logs these transformations, and verifies the staged rows before anything is loaded.
"""

import logging
from dataclasses import replace

from daybook.errors import RowCountMismatch, StageError
from daybook.load.extraction.extract import Extracted
from daybook.stage.base import Stage
from daybook.stage.parts import read_manifest

logger = logging.getLogger(__name__)


def transform(extracted: Extracted, stage: Stage) -> Extracted:
    """Read the manifest back from the stage, verify it, and log how the staged rows differ from the source's rows.

    Returns:
        `extracted`, with the manifest that the stage has.

    Raises:
        StageError: the manifest is missing, or it is not the one that this run wrote.
        RowCountMismatch: its row count differs from that of the source.
    """
    if extracted.unchanged:
        return extracted
    staged = read_manifest(stage, extracted.manifest.prefix)
    name = extracted.plan.table.name
    if staged.rows != extracted.rows:
        raise RowCountMismatch(
            f"{name}: row counts differ: the source sent {extracted.rows} rows, and the manifest has {staged.rows}; "
            "nothing was changed. Run it again. If the error persists, another process writes to the stage"
        )
    if staged != extracted.manifest:
        raise StageError(
            f"{name}: {stage.uri(staged.key)} is not the manifest that this run wrote: another process writes to the "
            "stage. Give Daybook its own prefix, and run it again"
        )
    if changes := transformations(extracted):
        logger.info("%s: %s", name, ", ".join(changes))
    return replace(extracted, manifest=staged)


def transformations(extracted: Extracted) -> list[str]:
    """Return the changes that the table file declares, such as `email hashed` and `score tinyint to smallint`."""
    words = {"hash": "hashed", "null": "set to NULL", "drop": "dropped"}
    masks = [f"{name} {words[mask]}" for name, mask in extracted.plan.table.mask.items()]
    shortened = {"truncate": "cut where it is too long", "null": "set to NULL where it is too long"}
    masks += [
        f"{name} {shortened[policy]}" for name, policy in extracted.plan.table.too_long.items() if policy in shortened
    ]
    sent = {column.name: column.type for column in extracted.described}
    targets = ((column.name, column.type) for column in extracted.target.columns)
    return masks + [f"{name} {sent[name]} to {type}" for name, type in targets if sent.get(name, type) != type]
