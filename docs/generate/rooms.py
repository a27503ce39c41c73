"""The rooms of the package and the imports between them: a table and a picture.

The rooms and their imports are read from the code. What a room is for, and its place in the picture, are written here.
"""

from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from unittest.mock import patch

import grimp

import daybook
from docs.generate import markdown


@dataclass(frozen=True)
class _Room:
    purpose: str
    x: int
    row: int


ROOMS = {
    "flows": _Room("One Prefect flow per file. Each body reads as extract, transform, load, or its like.", 250, 0),
    "blocks": _Room("One Prefect block per file: the variables that it is made from, and how.", 560, 0),
    "cli": _Room("The command `daybook`: one module per subcommand that is not a flow.", 250, 1),
    "orchestration": _Room(
        "All Prefect code: tasks, parameters, retries, artifacts, events, child runs, notifications, automations, the "
        "local stack.",
        330,
        2,
    ),
    "diff": _Room("What deploying a checkout would change, and the report of it.", 110, 3),
    "lifecycle": _Room("List, reset, rename and remove tables, and clean the stage.", 560, 3),
    "validation": _Room("Check the files of a project without a connection.", 90, 4),
    "monitoring": _Room("Freshness, incidents and key metrics. It reads the ledger and sends nothing.", 400, 4),
    "backfill": _Room("The queue, dry run and result of a backfill. It starts no runs.", 560, 4),
    "verify": _Room("The checks of a Redshift cluster, and their report.", 245, 4),
    "scaffold": _Room("The files of a new project, and what a release changes in them.", 90, 5),
    "summaries": _Room("Summary tables: parse the SELECT, find stale ones, build, check and swap them.", 400, 5),
    "audit": _Room("Compare a table with its source, and find the rows that differ.", 560, 5),
    "integrations": _Room("Exports to Google Sheets, and dbt projects.", 130, 6),
    "load": _Room("One load, from its plan to its commit: extract, stage, guards, transaction.", 445, 6),
    "definitions": _Room("Read and validate the files under `tables/`.", 250, 7),
    "ledger": _Room("The ledger and Daybook's other tables in the warehouse.", 560, 7),
    "sources": _Room("One module or package per `kind:` of source.", 250, 8),
    "warehouses": _Room("One package per warehouse, behind one protocol.", 560, 8),
    "sql": _Room("SQL that sources and warehouses share: retries, checksums, buckets.", 560, 9),
    "stage": _Room("Compressed parts and their manifest, in S3 or a folder.", 250, 10),
    "model": _Room("The vocabulary: intervals, types, checks, masks, fields of table files.", 560, 10),
    "strategies": _Room("One load strategy per module.", 560, 11),
}
#: Modules that any room may import. The picture shows them as one box.
SMALL = ("errors", "garbage", "redaction", "progress", "project", "shell", "suggestions", "extras", "yaml_model")
#: Modules that only keep an older command working.
_COMMANDS = ("__main__", "describe", "summary", "tables")
_PACKAGE = Path(__file__).resolve().parents[2] / "daybook"
_WIDTH, _HEIGHT, _STEP = 140, 34, 62


@cache
def imports() -> dict[str, set[str]]:
    """Return the rooms that each room imports, without the small modules.

    Raises:
        KeyError: a room is not in ROOMS; the message says to add it.
    """
    with patch.object(daybook.__spec__, "submodule_search_locations", [str(_PACKAGE)]):  # not the checkout, too
        graph = grimp.build_graph("daybook", "flows", "blocks", cache_dir=None)
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module in graph.modules:
        room = _room(module)
        if room is None:
            continue
        if room not in ROOMS:
            raise KeyError(f"{module} is in a room that docs/generate/rooms.py does not know: add {room!r} to ROOMS")
        imported = {_room(other) for other in graph.find_modules_directly_imported_by(module)}
        found[room] |= {other for other in imported if other is not None} - {room}
    return found


def table() -> str:
    """Return the table of the rooms: name, purpose and the rooms that each imports."""
    rows = []
    for name, room in ROOMS.items():
        folder = f"{name}/" if name in ("flows", "blocks") else f"daybook/{name}/"
        imported = [other for other in ROOMS if other in imports()[name]]
        rows.append((markdown.code(folder), room.purpose, ", ".join(imported) or "–"))
    return markdown.table(("room", "what it does", "imports"), rows)


def picture() -> str:
    """Return the picture of the rooms as SVG.

    It has an arrow for each import that no longer path of imports implies.
    """
    last = max(room.row for room in ROOMS.values()) + 1
    height = _top(last) + _HEIGHT + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img" '
        'aria-label="The rooms of Daybook: imports point downward only">',
        f'<rect width="700" height="{height}" rx="10" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L10 5L0 10z" fill="#57606a"/></marker></defs>',
        *(_arrow(room, other) for room in ROOMS for other in sorted(_direct(room), key=list(ROOMS).index)),
        *(_box(name, room.x, room.row, _WIDTH) for name, room in ROOMS.items()),
        _box(" · ".join(SMALL), 350, last, 560),
        f'<text x="350" y="{height - 20}" text-anchor="middle" font-size="13" fill="#57606a">Rooms in blue may import '
        "Prefect. Every room may import the modules in the last box.</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _room(module: str) -> str | None:
    root, *rest = module.split(".")
    if root != "daybook":
        return root
    return None if not rest or rest[0] in SMALL or rest[0] in _COMMANDS else rest[0]


def _direct(room: str) -> set[str]:
    others = imports()[room]
    return {other for other in others if not any(other in _below(between) for between in others - {other})}


def _below(room: str) -> set[str]:
    return imports()[room].union(*(_below(other) for other in imports()[room]))


def _arrow(room: str, other: str) -> str:
    start, end = ROOMS[room], ROOMS[other]
    top, bottom = _top(start.row) + _HEIGHT, _top(end.row) - 1
    shift = max(-50, min(50, (end.x - start.x) // 5))
    return (
        f'<path d="M{start.x + shift} {top}L{end.x - shift} {bottom}" stroke="#57606a" stroke-width="1.4" '
        'fill="none" marker-end="url(#tip)"/>'
    )


def _box(name: str, x: int, row: int, width: int) -> str:
    prefect = name in ("flows", "blocks", "cli", "orchestration")
    fill, stroke = ("#ddf4ff", "#54aeff") if prefect else ("#f6f8fa", "#d0d7de")
    return (
        f'<rect x="{x - width // 2}" y="{_top(row)}" width="{width}" height="{_HEIGHT}" rx="6" fill="{fill}" '
        f'stroke="{stroke}"/><text x="{x}" y="{_top(row) + 22}" text-anchor="middle" font-size="14" '
        f'fill="#1f2328">{escape(name)}</text>'
    )


def _top(row: int) -> int:
    return 24 + row * _STEP
