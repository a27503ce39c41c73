"""Pages with generated parts: find the parts, and replace them with what the code gives now."""

import re
from collections.abc import Callable
from pathlib import Path

from docs.generate import commands, deployed, fields, rooms, sources

ROOT = Path(__file__).resolve().parents[2]

#: The functions that generate a part, by the name in the page. Each takes the words after the name.
PARTS: dict[str, Callable[..., str]] = {
    "fields": fields.table,
    "source": sources.section,
    "types": sources.types,
    "blocks": sources.blocks,
    "errors": sources.error_tree,
    "commands": commands.overview,
    "command": commands.section,
    "deployments": deployed.deployments,
    "automations": deployed.automations,
    "rooms": rooms.table,
}
PICTURES: dict[Path, Callable[[], str]] = {ROOT / "docs/images/rooms.svg": rooms.picture}

_PART = re.compile(r"<!-- generated: (\S+)((?: \S+)*) -->\n.*?<!-- end -->", re.DOTALL)


def page_paths() -> list[Path]:
    """Return the path of every page under docs/, sorted."""
    return sorted((ROOT / "docs").glob("*/*.md"))


def rendered(text: str, page: str) -> str:
    """Return the text of a page with new generated parts.

    Raises:
        ValueError: a part has a name that is not in PARTS; the message names the page.
    """

    def part(found: re.Match[str]) -> str:
        name, arguments = found[1], found[2].split()
        if name not in PARTS:
            raise ValueError(f"{page}: no part is called {name!r}: use one of {', '.join(PARTS)}")
        return f"<!-- generated: {name}{found[2]} -->\n{PARTS[name](*arguments).strip()}\n<!-- end -->"

    return _PART.sub(part, text)
