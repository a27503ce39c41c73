"""Find a dbt project, and the Daybook tables that its models read."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from daybook.definitions.table import Table
from daybook.errors import DbtUnusable
from daybook.model.interval import Interval
from daybook.model.timezones import find_zone, start_of_day

_FILE = "dbt_project.yml"


def find_project(folder: str) -> Path:
    """Return the path of the dbt project in `folder`. A relative path starts at the working directory.

    Raises:
        DbtUnusable: the folder has no dbt project.
    """
    path = Path(folder).expanduser().resolve()
    if not (path / _FILE).is_file():
        raise DbtUnusable(f"no dbt project in {path}: give the folder that has {_FILE}")
    return path


def tables_read(manifest: dict[str, Any], nodes: Iterable[str], known: Collection[str]) -> list[str]:
    """Return the tables that the `nodes` of a dbt project read, directly or through other models, sorted.

    Models that are not built in this run count, too.

    Args:
        manifest: dbt's `manifest.json`.
        nodes: the unique IDs of the nodes, as dbt lists them.
        known: the tables to look for, as `schema.table`.
    """
    waiting, seen, found = list(nodes), set(), set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        waiting += manifest["parent_map"].get(node, ())
        if source := manifest["sources"].get(node):
            found.add(f"{source['schema']}.{source['identifier']}".lower())
    return sorted(found & set(known))


def last_of_day(table: Table, day: date) -> Interval | None:
    """Return the last interval of `table` that is complete at the end of `day`, in the table's time zone.

    For daily tables this is the day, for hourly tables its last hour. None if the table has no intervals, or none yet.
    """
    if table.grid is None:
        return None
    over = start_of_day(day + timedelta(days=1), find_zone(table.timezone))
    interval = table.grid.last_complete(over)
    return None if table.start is not None and interval.start < table.grid.first(table.start).start else interval
