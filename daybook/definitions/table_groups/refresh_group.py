"""List the tables of a group: `daybook describe --refresh tables/shop.yaml`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daybook.definitions.defaults import where_of
from daybook.definitions.describing.proposed_file import ProposedFile, plain, quoted
from daybook.definitions.describing.schema import describe_all
from daybook.definitions.table_groups.group_file import found_path, new_table_layers, read_found, read_group
from daybook.errors import TableFileError
from daybook.sources.base import ConnectionProvider


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The result of a refresh: the names of tables that are new, gone, or proposed differently, and the problems."""

    path: Path
    tables: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    differing: tuple[str, ...]
    problems: dict[str, str]
    doubtful: tuple[ProposedFile, ...]


def refresh(path: Path, keys: ConnectionProvider, *, force: bool = False) -> Refreshed:
    """Write the tables that the group file at `path` matches into the file next to it.

    A table that is listed already keeps its line, unless `force` is True: loads must not change because of new rows.

    Raises:
        TableFileError: the group file is invalid.
        SourceError: Daybook cannot list the tables of this kind of database.
        ExtractFailed: the database failed.
        SourceLost: every retry failed.
    """
    group, target = read_group(path), found_path(path)
    before = read_found(path) if target.is_file() else {}
    lines = _lines(target) if target.is_file() else {}

    def where(name: str) -> str | None:
        return where_of(path.parent, group.in_schema, new_table_layers(path, name.partition(".")[2]))

    source = group.source
    found = describe_all(keys, source.block, source.tables, source.exclude, f"{group.in_schema}.*", where)
    proposals = {one.name.partition(".")[2]: one for one in found.files}
    new = {name: _line(name, one) for name, one in proposals.items()}
    kept = {name for name, fields in before.items() if _source(fields) in found.problems}
    if not force:
        new |= {name: lines[name] for name in before if (name in new or name in kept) and name in lines}
    if not new:
        reasons = "; ".join(f"{what}: {why}" for what, why in found.problems.items())
        raise TableFileError(f"{path}: nothing was found, and {target.name} was not changed. {reasons}")
    head = (
        f"# Written by `daybook describe --refresh {path.name}`. Exceptions belong in {path.name}, not here.\ntables:\n"
    )
    target.write_text(head + "".join(f"{new[name]}\n" for name in sorted(new)), encoding="utf-8")
    after = read_found(path)
    both = sorted(proposals.keys() & before.keys())
    return Refreshed(
        target,
        len(after),
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        differing=tuple(name for name in both if _loads(before[name]) != _loads(_fields(proposals[name]))),
        problems=found.problems,
        doubtful=tuple(one for name, one in sorted(proposals.items()) if name not in before and one.proposal.warning),
    )


def _fields(one: ProposedFile) -> dict[str, Any]:
    table = one.source_name if "." not in "".join(one.source) else list(one.source)
    comment = {"description": one.description} if one.comment else {}
    return {"table": table, **comment, **one.load_fields()}


def _loads(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that decide how a table is loaded. Its first day and its comment may change at any time."""
    return {name: value for name, value in fields.items() if name not in ("start", "description")}


def _source(fields: dict[str, Any]) -> str:
    table = fields.get("table", "")
    return table if isinstance(table, str) else ".".join(table)


def _line(name: str, one: ProposedFile) -> str:
    texts = []
    for field, value in _fields(one).items():
        if isinstance(value, list):
            text = f"[{', '.join(plain(str(part)) for part in value)}]"
        elif field == "description":
            text = quoted(value)
        else:
            text = plain(value, dotted=True) if isinstance(value, str) else str(value)
        texts.append(f"{field}: {text}")
    warning = f". WARNING: {one.proposal.warning}" if one.proposal.warning else ""
    return f"  {plain(name)}: {{{', '.join(texts)}}} # {one.reason}{warning}"


def _lines(path: Path) -> dict[str, str]:
    """Return the line of each table in the list, which has one line a table."""
    found = dict[str, str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, _ = line.strip().partition(": {")
        if separator and line.startswith("  "):
            found[json.loads(name) if name.startswith('"') else name] = line
    return found
