"""Reads the blocks that are stored on the Prefect server."""

from typing import TypeVar, cast

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound

S3_STAGE = "s3-bucket"
FOLDER_STAGE = "local-file-system"
"""The types that the block `stage` can have, as Prefect writes them in URLs: known without their slow imports."""

B = TypeVar("B", bound=Block)


def document(client: SyncPrefectClient, type_slug: str, name: str) -> BlockDocument | None:
    """The document of a block, its secrets left out, or None where there is none."""
    try:
        return client.read_block_document_by_name(name, type_slug, include_secrets=False)
    except ObjectNotFound:
        return None


def load(kind: type[B], name: str) -> B:
    """The block `<kind>/<name>`.

    Raises `ValueError` where it is missing, and `RuntimeError` where it does not fit its type.
    """
    # Without _sync it would be a coroutine wherever an event loop is running, in a notebook for one.
    return cast(B, kind.load(name, _sync=True))  # type: ignore[call-arg]
