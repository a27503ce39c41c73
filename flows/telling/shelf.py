"""What is kept between two passes: documents in Prefect's variables, where a lost warehouse does not matter.

A variable holds 5,000 characters, and its name is unique, so that a document is there once.
"""

import re
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import VariableCreate, VariableUpdate

_AT_ONCE = 200  # documents that the server gives out in one answer
LONGEST = 4900  # characters of a document, as JSON


class Shelf:
    """The documents whose names begin with `daybook_<kind>_`."""

    def __init__(self, client: SyncPrefectClient, kind: str) -> None:
        self._client, self._prefix, self._tag = client, f"daybook_{kind}_", f"daybook-{kind}"

    def all(self) -> dict[str, Any]:
        """Every document, by its key, in the order of the keys."""
        found, offset = dict[str, Any](), 0
        while True:
            query = {
                "variables": {"tags": {"all_": [self._tag]}},
                "sort": "NAME_ASC",
                "limit": _AT_ONCE,
                "offset": offset,
            }
            page = self._client.request("POST", "/variables/filter", json=query).json()
            found |= {one["name"].removeprefix(self._prefix): one["value"] for one in page}
            offset += _AT_ONCE
            if len(page) < _AT_ONCE:
                return found

    def get(self, key: str) -> Any:
        """The document of this key; None: there is none."""
        variable = self._client.read_variable_by_name(self._name(key))
        return variable.value if variable else None

    def put(self, key: str, document: Any) -> None:
        """Keep a document, in the place of the one that had the key."""
        name = self._name(key)
        if self._client.read_variable_by_name(name):
            self._client.update_variable(VariableUpdate(name=name, value=document))
        else:
            self._client.create_variable(VariableCreate(name=name, value=document, tags=["daybook", self._tag]))

    def drop(self, key: str) -> None:
        """Keep it no longer; it may be gone already."""
        if self._client.read_variable_by_name(self._name(key)):
            self._client.delete_variable_by_name(self._name(key))

    def _name(self, key: str) -> str:
        return self._prefix + key


def key_of(text: str) -> str:
    """A key that says `text`: variables have lower-case letters, digits and underscores in their names."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:200]
