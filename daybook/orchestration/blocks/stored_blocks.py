"""Read the blocks that are stored on the Prefect server."""

import re
from collections.abc import Iterator
from typing import Any, TypeVar, cast

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound

from daybook.orchestration.pagination import PAGE, every

S3_STAGE = "s3-bucket"
FOLDER_STAGE = "local-file-system"
"""The slugs of the block types for a stage. They are constants because the types take seconds to import."""

B = TypeVar("B", bound=Block)

_SECRET, _OPEN = re.compile("pass|secret|token|key|auth|url|uri|dsn|value"), re.compile("(token|auth|cert).*ur[il]")


def document(client: SyncPrefectClient, type_slug: str, name: str) -> BlockDocument | None:
    """Return the document of a block without its secrets, or None if the block does not exist."""
    try:
        return client.read_block_document_by_name(name, type_slug, include_secrets=False)
    except ObjectNotFound:
        return None


def load(kind: type[B], name: str) -> B:
    """Return the block `<kind>/<name>`.

    Raises:
        ValueError: the block does not exist.
        RuntimeError: its document does not fit the type.
    """
    # Without _sync, load returns a coroutine if an event loop is running, as in a notebook.
    return cast(B, kind.load(name, _sync=True))  # type: ignore[call-arg]


def secret_values(client: SyncPrefectClient) -> set[str]:
    """Return the secrets of every block of any type: the values that the server hides when it shows blocks."""
    shown, hidden = (_contents(client, include_secrets) for include_secrets in (True, False))
    return {secret for block, data in shown.items() for secret in _differing(data, hidden.get(block), "")}


def _contents(client: SyncPrefectClient, include_secrets: bool) -> dict[Any, Any]:
    documents = every(
        lambda offset: client.read_block_documents(offset=offset, limit=PAGE, include_secrets=include_secrets)
    )
    return {found.id: found.data for found in documents}


def _differing(shown: Any, hidden: Any, name: str) -> Iterator[str]:
    """Yield the texts of `shown` that `hidden` hides, if the field's name suggests a secret.

    The name matters because the server hides a Google key as a whole, including the project's ID. That ID is not a
    secret, and may also be the name of a schema.
    """
    if isinstance(shown, dict):
        for part, value in shown.items():
            yield from _differing(value, hidden.get(part) if isinstance(hidden, dict) else hidden, part)
    elif isinstance(shown, list):
        for place, value in enumerate(shown):
            inside = isinstance(hidden, list) and place < len(hidden)
            yield from _differing(value, hidden[place] if inside else hidden, name)
    elif isinstance(shown, str) and shown != hidden and _SECRET.search(name) and not _OPEN.search(name):
        yield shown
