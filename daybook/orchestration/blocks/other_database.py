"""Refuse to put another database into a stored block, such as that of another target.

Every worker opens its databases by the names of blocks. So one command with the wrong URL in its environment would turn
all loads of production to another warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from sqlalchemy.engine import URL

from daybook.definitions.project_file import read_project
from daybook.definitions.targets.project_target import Target, find_target, target_names
from daybook.orchestration.blocks.declaration import DatabaseAddress
from daybook.orchestration.blocks.stored_blocks import document

_CONNECTOR = "sqlalchemy-connector"


def refusals(client: SyncPrefectClient, wanted: Sequence[DatabaseAddress], target: Target) -> Iterator[str]:
    """Yield the reasons against storing these databases in the blocks of `target`, each with the remedy. No secrets."""
    for one in wanted:
        name = target.block(one.name)
        stored = _stored(client, name)
        if stored is not None and not _same(stored, one.url):
            yield (
                f"{one.variable}: SqlAlchemyConnector/{name} is {_shown(stored)}, and this is {_shown(one.url)}. All "
                f"runs of target {target.name} would use this database from now on. If that is right, add --force. For "
                "another environment, add --target NAME"
            )
        elif one.exclusive:
            yield from _shared(client, one, target)


def _shared(client: SyncPrefectClient, one: DatabaseAddress, target: Target) -> Iterator[str]:
    """Yield a reason for each other target that writes the same schemas of the same database."""
    project = read_project()
    for other in (find_target(project, name) for name in target_names(project) if name != target.name):
        stored = _stored(client, other.block(one.name))
        if stored is not None and _same(stored, one.url) and other.schema("s") == target.schema("s"):
            yield (
                f"{one.variable}: {_shown(one.url)} is the {one.name} of target {other.name} "
                f"(SqlAlchemyConnector/{other.block(one.name)}), and target {target.name} has the same schemas. Both "
                f"would write the same tables. Set schema_prefix for {target.name}, use another database, or add "
                "--force"
            )


def _stored(client: SyncPrefectClient, name: str) -> URL | None:
    """Return the database of a stored block without its login, or None if there is none that can be read."""
    found = document(client, _CONNECTOR, name)
    parts: Any = found.data.get("connection_info") if found else None
    if not isinstance(parts, Mapping) or not isinstance(parts.get("database"), str):
        return None
    return URL.create(str(parts.get("driver")), None, None, parts.get("host"), parts.get("port"), parts["database"])


def _same(one: URL, other: URL) -> bool:
    ports = {one.port, other.port} - {None}  # without a port, it is the default one
    hosts = {(url.host or "").lower() for url in (one, other)}
    return len(ports) < 2 and len(hosts) == 1 and one.database == other.database


def _shown(url: URL) -> str:
    return str(URL.create(url.drivername, None, None, url.host, url.port, url.database))
