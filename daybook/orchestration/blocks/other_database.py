"""Refuse to put another database into a stored block, such as that of another target.

Every worker opens its databases by the names of blocks. So one command with the wrong URL in its environment would turn
all loads of production to another warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from daybook.definitions.project_file import FILE, read_project
from daybook.definitions.targets.project_target import Target, current_target, find_target, other_targets, target_names
from daybook.orchestration.blocks.declaration import DatabaseAddress
from daybook.orchestration.blocks.errors import BlockUnusable
from daybook.orchestration.blocks.stored_blocks import document

_CONNECTOR, _CLASS = "sqlalchemy-connector", "SqlAlchemyConnector"
#: The options of a URL that say where the database is.
_PLACES = ("host", "port", "dbname", "service", "hostaddr", "unix_socket")
_PORTS = {"postgresql": 5432, "redshift": 5439, "mysql": 3306, "mariadb": 3306}


def refusals(client: SyncPrefectClient, wanted: Sequence[DatabaseAddress], target: Target) -> Iterator[str]:
    """Yield the reasons against storing these databases in the blocks of `target`, each with the remedy. No secrets."""
    for one in wanted:
        name = target.block(one.name)
        stored = _stored(client, name)
        if stored is not None and not _same(stored, one.url):
            yield (
                f"{one.variable}: {_CLASS}/{name} is {_shown(stored)}, and this is {_shown(one.url)}. All "
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
                f"({_CLASS}/{other.block(one.name)}), and target {target.name} has the same schemas. Both "
                f"would write the same tables. Set schema_prefix for {target.name}, use another database, or add "
                "--force"
            )


def check_own(url: URL, block: str) -> None:
    """Check that the database of an opened block is not that of another target with the same schemas.

    Somebody may have edited a block in the UI. It costs a request for each target with the same schemas; most projects
    have none.

    Raises:
        BlockUnusable: both targets would write the same tables.
    """
    project, target = read_project(), current_target()
    twins = [find_target(project, name) for name in other_targets()]
    for twin in (one for one in twins if one.schema("s") == target.schema("s")):
        name, own = twin.block(block), target.block(block)
        with get_client(sync_client=True) as client:
            stored = _stored(client, name)
        if stored is not None and _same(stored, url):
            raise BlockUnusable(
                f"{_CLASS}/{own} of target {target.name} and {_CLASS}/{name} of target {twin.name} are the same "
                f"database, {_shown(url)}, and the targets have the same schemas, so both would write the same tables: "
                f"correct one of the blocks (daybook blocks --target NAME --force), or set schema_prefix in {FILE}"
            )


def _stored(client: SyncPrefectClient, name: str) -> URL | None:
    """Return the database of a stored block without its login, or None if there is none that can be read."""
    found = document(client, _CONNECTOR, name)
    parts: Any = found.data.get("connection_info") if found else None
    if isinstance(parts, str):  # a block that was made in the UI
        try:
            return _plain(make_url(parts))
        except ArgumentError:
            return None
    if not isinstance(parts, Mapping) or not isinstance(parts.get("database"), str):
        return None
    query = {key: value for key, value in (parts.get("query") or {}).items() if key in _PLACES}
    place = parts.get("host"), parts.get("port"), parts["database"]
    return URL.create(str(parts.get("driver")), None, None, *place, query)


def _plain(url: URL) -> URL:
    """Return a URL without its login and without options that do not say where the database is."""
    place = {key: value for key, value in url.query.items() if key in _PLACES}
    return URL.create(url.drivername, None, None, url.host, url.port, url.database, place)


def _same(one: URL, other: URL) -> bool:
    return _place(one) == _place(other)


def _place(url: URL) -> tuple[object, ...]:
    """Return what tells one database from another. Without a port, it is the dialect's own."""
    options = dict(_plain(url).query)
    port = options.pop("port", None) or url.port or _PORTS.get(url.get_backend_name())
    host = options.pop("host", None) or url.host or ""
    return str(host).lower(), str(port), options.pop("dbname", None) or url.database, tuple(sorted(options.items()))


def _shown(url: URL) -> str:
    return str(_plain(url))
