"""Read `tables/owners.yaml`: the addresses of each `owner:` of a table file, one field for each channel."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, create_model

from daybook.errors import TableFileError
from daybook.orchestration.notifications.registry import channel_types
from daybook.project import tables_folder
from daybook.yaml_model import Strict, read_yaml

logger = logging.getLogger("daybook.notifications")

Route = Mapping[str, Any]
"""The addresses of one owner, by the name of the channel. It has no entry for a channel without an address."""


@dataclass(frozen=True, slots=True)
class Owners:
    """The routes in `owners.yaml`: the default route, and the addresses of each owner."""

    default: Route
    owners: Mapping[str, Route]

    def route(self, owner: str) -> Route:
        """Return the route of an owner: its own addresses, and the default for each channel that it leaves out."""
        return {**self.default, **self.owners.get(owner, {})}


def read_owners(folder: Path | None = None) -> Owners:
    """Return the routes in `owners.yaml` of `folder`, by default the project's `tables/`. The file may be missing.

    Raises:
        TableFileError: the file is not YAML, or a field or value is unknown to all channels. Names file, field, remedy.
    """
    path = (folder or tables_folder()) / "owners.yaml"
    if not path.is_file():
        return Owners({}, {})
    read: Any = read_yaml(path, _model())
    return Owners(_route(read.default), {name: _route(owner) for name, owner in read.owners.items()})


def route(owner: str, folder: Path | None = None) -> Route:
    """Return the route of an `owner:`. Raises TableFileError as `read_owners` does."""
    return read_owners(folder).route(owner)


def route_or_none(owner: str) -> Route:
    """Return the route of an `owner:`, or an empty route if `owners.yaml` is invalid.

    One typo must not silence every notification: some channels send without an address.
    """
    try:
        return route(owner)
    except TableFileError as error:
        logger.warning("%s", error)
        return {}


def _model() -> type[BaseModel]:
    """Return the model of the file, with the fields of all channels."""
    fields: dict[str, Any] = {
        kind.yaml_field: (kind.address_type | None, Field(default=None, description=kind.yaml_help))
        for kind in channel_types().values()
    }
    owner: Any = create_model("Owner", __base__=Strict, **fields)
    default = Field(description='for every owner without an entry: `default: {channel: "#data-alerts"}`')
    return create_model(
        "Owners", __base__=Strict, default=(owner, default), owners=(dict[str, owner], Field(default_factory=dict))
    )


def _route(owner: Any) -> Route:
    given = {name: getattr(owner, kind.yaml_field) for name, kind in channel_types().items()}
    return {name: address for name, address in given.items() if address is not None}
