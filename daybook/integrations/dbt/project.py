"""A dbt project: where it is, and which of our tables its models are made from."""

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
    """The dbt project in `folder`, which is relative to where the process runs unless it is absolute.

    Raises:
        DbtUnusable: there is none.
    """
    path = Path(folder).expanduser().resolve()
    if not (path / _FILE).is_file():
        raise DbtUnusable(f"there is no dbt project in {path}: expected the folder that {_FILE} is in")
    return path


def tables_read(manifest: dict[str, Any], nodes: Iterable[str], known: Collection[str]) -> list[str]:
    """Which of the tables `known` (`schema.table`) the `nodes` of a dbt manifest are made from, sorted.

    Also those that are read by a model which is not built this time. `nodes` are unique ids, as dbt lists them; the
    `manifest` is dbt's `manifest.json`.
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
    """The last interval of `table` that is over when `day` is, on its clock: the day itself, or its last hour.

    For a week or a month, the last one that is complete by then. None where the table has no intervals, or none yet.
    """
    if table.grid is None:
        return None
    over = start_of_day(day + timedelta(days=1), find_zone(table.timezone))
    interval = table.grid.last_complete(over)
    return None if table.start is not None and interval.start < table.grid.first(table.start).start else interval
