"""What is kept between two passes: documents in Prefect's variables, where a lost warehouse does not matter.

A variable holds 5,000 characters, and its name is unique, so that a document is there once. A longer one is packed, of
which thirty failures' worth and more has room; what is longer even so, its owner has to shorten.
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
    """The documents whose names begin with `daybook_<kind>_`."""

    def __init__(self, client: SyncPrefectClient, kind: str) -> None:
        self._client, self._prefix, self._tag = client, f"daybook_{kind}_", f"daybook-{kind}"

    def all(self) -> dict[str, Any]:
        """Every document, by its key, in the order of the keys."""
        query = {"variables": {"tags": {"all_": [self._tag]}}, "sort": "NAME_ASC", "limit": PAGE}

        def page(offset: int) -> list[dict[str, Any]]:
            return list(self._client.request("POST", "/variables/filter", json=query | {"offset": offset}).json())

        return {one["name"].removeprefix(self._prefix): _unpacked(one["value"]) for one in every(page)}

    def get(self, key: str) -> Any:
        """The document of this key; None: there is none."""
        variable = self._client.read_variable_by_name(self._name(key))
        return _unpacked(variable.value) if variable else None

    def set(self, key: str, document: Any) -> None:
        """Keep a document, which `fits`, in the place of the one that had the key."""
        name, document = self._name(key), _packed(document)
        if self._client.read_variable_by_name(name):
            self._client.update_variable(VariableUpdate(name=name, value=document))
        else:
            self._client.create_variable(VariableCreate(name=name, value=document, tags=["daybook", self._tag]))

    def delete(self, key: str) -> None:
        """Keep it no longer; it may be gone already."""
        if self._client.read_variable_by_name(self._name(key)):
            self._client.delete_variable_by_name(self._name(key))

    def _name(self, key: str) -> str:
        return self._prefix + key


def fits(document: Any) -> bool:
    """Whether a variable holds it."""
    return len(json.dumps(_packed(document))) <= _MAX_JSON


def key_of(text: str) -> str:
    """A key that says `text`, and is no other text's: variables have small letters, digits and underscores in names."""
    readable = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:200]
    return f"{readable}_{sha256(text.encode(errors='replace')).hexdigest()[:6]}"


def _packed(document: Any) -> Any:
    document = _storable(document)
    text = json.dumps(document)
    if len(text) <= _MAX_JSON:
        return document
    return {_PACKED: base64.b64encode(zlib.compress(text.encode())).decode()}


def _unpacked(value: Any) -> Any:
    """Raises nothing: what somebody has changed by hand is given out as it is."""
    try:
        return json.loads(zlib.decompress(base64.b64decode(value[_PACKED])))
    except (LookupError, TypeError, ValueError, zlib.error):
        return value


def _storable(document: Any) -> Any:
    """Without characters that JSON or the server's database refuses: NUL, halves of surrogate pairs."""
    if isinstance(document, dict):
        return {name: _storable(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [_storable(value) for value in document]
    return printable(document) if isinstance(document, str) else document
