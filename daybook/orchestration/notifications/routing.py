"""To whom a message goes: `tables/owners.yaml` names a channel and addresses for each `owner:` of a table's file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from daybook.definitions.table_files import TABLES
from daybook.model.yaml_model import Strict, read_yaml
from daybook.orchestration.blocks.mail_url import ADDRESS


@dataclass(frozen=True, slots=True)
class Route:
    """Where to: a channel of Slack's (None: the one that the webhook writes to) and e-mail addresses."""

    channel: str | None = None
    addresses: tuple[str, ...] = ()


def _channel(text: str) -> str:
    if not re.fullmatch(r"#[^\s#@<>,:A-Z]{1,80}|[CG][A-Z0-9]{8,}", text):
        raise ValueError('is no channel: write its name with # and in small letters ("#data-alerts"), or its id')
    return text


def _several(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


def _addresses(given: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [address for address in given if not re.fullmatch(ADDRESS, address)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no e-mail address: write team@example.com, or a list of them")
    return given


class Owner(Strict):
    """Where an owner's messages go. What is left out is as for `default`."""

    channel: Annotated[str, AfterValidator(_channel)] | None = Field(
        default=None, description="A channel: `#data-alerts`."
    )
    address: Annotated[tuple[str, ...], BeforeValidator(_several), AfterValidator(_addresses)] | None = Field(
        default=None, description="An e-mail address, or a list of them; an empty list is nobody."
    )


class Owners(Strict):
    """Who hears about which tables."""

    default: Owner = Field(description='of whoever has no line of their own: `default: {channel: "#data-alerts"}`')
    owners: dict[str, Owner] = Field(default_factory=dict)


def read_owners(folder: Path = TABLES) -> Owners:
    """What `owners.yaml` in `folder` says; without that file nobody has a line.

    Raises:
        TableFileError: it is no YAML, or not of this form: names the file, the field and what to do.
    """
    path = folder / "owners.yaml"
    return read_yaml(path, Owners) if path.is_file() else Owners(default=Owner())


def route(owner: str, folder: Path = TABLES) -> Route:
    """Where the messages of an `owner:` go. Raises TableFileError as `read_owners` does."""
    known = read_owners(folder)
    own = known.owners.get(owner, known.default)
    addresses = known.default.address if own.address is None else own.address
    return Route(own.channel or known.default.channel, addresses or ())
