"""Take a table out of a group, in both of its files. Comments and the order of the files stay."""

from collections.abc import Mapping
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from daybook.definitions.table_groups.group_file import found_path, read_found
from daybook.errors import TableFileError


def source_name(path: Path, table: str) -> str:
    """Return the name in the source of a table in the list of the group file at `path`: `shop.orders`."""
    name = read_found(path)[table].get("table", table)
    return name if isinstance(name, str) else ".".join(name)


def without_table(path: Path, table: str) -> dict[Path, str]:
    """Return the new text of both files of the group in the file at `path`, so that no refresh adds `table` again.

    Its line leaves the list, its exception leaves the group, and its name in the source is excluded.

    Raises:
        TableFileError: a file is written in a way that Daybook cannot edit.
    """
    found, name = found_path(path), source_name(path, table)
    return {
        found: _without(found, found.read_text(encoding="utf-8"), table, empty="{}"),
        path: _without(path, _excluding(path.read_text(encoding="utf-8"), name), table, empty=None),
    }


def _excluding(text: str, name: str) -> str:
    """Return the text of a group file whose source excludes the table `name`, too."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 100_000  # it breaks no line
    content = yaml.load(text)
    source = content["source"]
    excluded = source.get("exclude")
    if excluded is None:
        # Before `tables`: a comment after the last field belongs to it.
        source.insert(list(source).index("tables"), "exclude", [name])
    elif isinstance(excluded, str):
        source["exclude"] = [name, excluded]
    elif name not in excluded:
        excluded.insert(0, name)
    written = StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _without(path: Path, text: str, table: str, *, empty: str | None) -> str:
    """Return the text of a file without the entry of `table` below `tables:`.

    Instead of an entry that was the only one, it has `tables:` with the value `empty`, or without it no `tables:`.
    """
    content = YAML().load(text)
    tables: Any = content.get("tables") or {}
    if table not in tables:
        return text
    expected = _plain(content)
    del expected["tables"][table]
    parent, key = (tables, table) if len(tables) > 1 else (content, "tables")
    if parent is content and not empty:
        del expected["tables"]
    lines = text.splitlines(keepends=True)
    first = parent.lc.key(key)[0]
    starts = sorted(chain((one.lc.key(name)[0] for one in (tables, content) for name in one), [len(lines)]))
    end = next(start for start in starts if start > first and (parent is tables or start not in _rows_of(tables)))
    while end > first + 1 and lines[end - 1].strip()[:1] in ("", "#"):  # what is above the next entry belongs to it
        end -= 1
    new = "".join([*lines[:first], *([f"tables: {empty}\n"] if parent is content and empty else []), *lines[end:]])
    if _plain(YAML().load(new)) != expected:
        raise TableFileError(f"{path}: {table} cannot be taken out: write each table in lines of its own")
    return new


def _rows_of(tables: Any) -> set[int]:
    return {tables.lc.key(name)[0] for name in tables}


def _plain(value: Any) -> Any:
    """Return a YAML value without the comments of its file."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
