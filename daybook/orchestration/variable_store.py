"""Keep the monitor's documents between two passes in Prefect's variables, which survive the loss of the warehouse.

A variable holds 5,000 characters, and its name is unique, so each key has one document. A longer document is
compressed, which makes room for thirty failures and more. If that is not enough, the caller has to shorten it.
"""

import base64
import json
import re
import zlib
from hashlib import sha256
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import VariableCreate, VariableUpdate

from daybook.orchestration.artifacts.text import printable
from daybook.orchestration.pagination import PAGE, every

_MAX_JSON = 4900  # characters of a variable as JSON: Prefect takes 5000
_PACKED = "packed"


class VariableStore:
    """The documents of the current target. Names begin with `daybook_<kind>_`, or `daybook_dev_<kind>_` in dev."""

    def __init__(self, client: SyncPrefectClient, kind: str) -> None:
        from daybook.definitions.targets.project_target import current_target

        target = current_target()
        words = [kind] if target.is_prod else [target.name, kind]
        self._client, self._prefix = client, f"daybook_{'_'.join(words)}_"
        self._tag, self._tags = f"daybook-{'-'.join(words)}", ["daybook", *target.tags]

    def all(self) -> dict[str, Any]:
        """Return every document by its key, in the order of the keys."""
        query = {"variables": {"tags": {"all_": [self._tag]}}, "sort": "NAME_ASC", "limit": PAGE}

        def page(offset: int) -> list[dict[str, Any]]:
            return list(self._client.request("POST", "/variables/filter", json=query | {"offset": offset}).json())

        return {one["name"].removeprefix(self._prefix): _unpacked(one["value"]) for one in every(page)}

    def get(self, key: str) -> Any:
        """Return the document of this key, or None if there is none."""
        variable = self._client.read_variable_by_name(self._name(key))
        return _unpacked(variable.value) if variable else None

    def set(self, key: str, document: Any) -> None:
        """Write a document that `fits`. It replaces an earlier document of the same key."""
        name, document = self._name(key), _packed(document)
        if self._client.read_variable_by_name(name):
            self._client.update_variable(VariableUpdate(name=name, value=document))
        else:
            self._client.create_variable(VariableCreate(name=name, value=document, tags=[*self._tags, self._tag]))

    def delete(self, key: str) -> None:
        """Delete the document of this key, if there is one."""
        if self._client.read_variable_by_name(self._name(key)):
            self._client.delete_variable_by_name(self._name(key))

    def _name(self, key: str) -> str:
        return self._prefix + key


def fits(document: Any) -> bool:
    """Return True if a variable can hold the document."""
    return len(json.dumps(_packed(document))) <= _MAX_JSON


def key_of(text: str) -> str:
    """Return a readable, unique key for `text`, with the characters allowed in names of variables: a-z, 0-9 and _."""
    readable = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:200]
    return f"{readable}_{sha256(text.encode(errors='replace')).hexdigest()[:6]}"


def _packed(document: Any) -> Any:
    document = _storable(document)
    text = json.dumps(document)
    if len(text) <= _MAX_JSON:
        return document
    return {_PACKED: base64.b64encode(zlib.compress(text.encode())).decode()}


def _unpacked(value: Any) -> Any:
    """Unpack a value. A value that was edited by hand is returned unchanged."""
    try:
        return json.loads(zlib.decompress(base64.b64decode(value[_PACKED])))
    except (LookupError, TypeError, ValueError, zlib.error):
        return value


def _storable(document: Any) -> Any:
    """Remove the characters that JSON or the server's database refuses: NUL and lone surrogates."""
    if isinstance(document, dict):
        return {name: _storable(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [_storable(value) for value in document]
    return printable(document) if isinstance(document, str) else document
