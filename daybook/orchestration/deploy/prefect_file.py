"""The entries of `prefect.yaml` that `daybook deploy` makes, too. Older releases wrote such a file for new projects."""

import re
from collections.abc import Collection
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

FILE = "prefect.yaml"


def declared_twice(root: Path, names: Collection[str]) -> str | None:
    """Return a sentence about the entries of `prefect.yaml` with one of `names`, `catch-up/daily`, if there are any.

    `prefect deploy --all` adds its schedule to that of `daybook deploy`, and replaces the project's tag.
    """
    try:
        content = YAML(typ="safe", pure=True).load((root / FILE).read_text(encoding="utf-8"))
    except (OSError, YAMLError, UnicodeDecodeError):  # `daybook validate` reports it
        return None
    entries = content.get("deployments") if isinstance(content, dict) else None
    found = sorted({_full_name(one) for one in entries or () if isinstance(one, dict)}.intersection(names))
    if not found:
        return None
    return (
        f"{FILE} has {', '.join(found)}, which `daybook deploy` makes, too. Delete these entries from {FILE}: "
        "otherwise, `prefect deploy --all` gives them a second schedule"
    )


def _full_name(entry: dict[str, object]) -> str:
    """Return an entry's name as people type it. Daybook's flows have the names of their functions."""
    function = re.split(r"[.:]", str(entry.get("entrypoint")))[-1]
    return f"{function.replace('_', '-')}/{entry.get('name')}"
