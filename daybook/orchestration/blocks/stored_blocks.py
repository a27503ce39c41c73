"""Read the blocks that are stored on the Prefect server."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _ReadAtOnce:
    names: frozenset[str]
    found: Mapping[tuple[str, str], BlockDocument]
    """The documents with their secrets, by the slug of their type and their name."""


_read_at_once: ContextVar[_ReadAtOnce | None] = ContextVar("daybook_blocks", default=None)

_SECRET, _OPEN = re.compile("pass|secret|token|key|auth|url|uri|dsn|value"), re.compile("(token|auth|cert).*ur[il]")


@contextmanager
def reading_at_once(client: SyncPrefectClient, names: Collection[str]) -> Iterator[None]:
    """Read the blocks with these names, of all types, in one request. Within the block, no other request reads them."""
    wanted = {"name": {"any_": sorted(names)}, "is_anonymous": {"eq_": False}}
    answer = client.request(
        "POST", "/block_documents/filter", json={"block_documents": wanted, "include_secrets": True, "limit": PAGE}
    )
    documents = BlockDocument.model_validate_list(answer.json())
    found = {(one.block_type.slug, one.name): one for one in documents if one.block_type and one.name}
    token = _read_at_once.set(_ReadAtOnce(frozenset(names), found))
    try:
        yield
    finally:
        _read_at_once.reset(token)


def document(client: SyncPrefectClient, type_slug: str, name: str) -> BlockDocument | None:
    """Return the document of a block, or None if the block does not exist. Its secrets may be hidden."""
    read = _read_at_once.get()
    if read and name in read.names:
        return read.found.get((type_slug, name))
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
    read = _read_at_once.get()
    if read and name in read.names:
        found = read.found.get((kind.get_block_type_slug(), name))
        if found is None:
            raise ValueError(f"there is no block {kind.__name__}/{name}")
        return kind._load_from_block_document(found)
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
