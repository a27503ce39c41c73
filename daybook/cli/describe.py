"""`daybook describe production 'shop.*'`: propose table files for tables of a database."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from daybook.cli.connections import project_blocks
from daybook.cli.exits import exit_with_reason, print_json
from daybook.cli.project.refresh_command import refresh_groups
from daybook.definitions.defaults import where_of
from daybook.definitions.describe import propose_file
from daybook.definitions.describing.proposed_file import ProposedFile, write
from daybook.definitions.describing.schema import NAME, DescribedTables, describe_all, existing, is_pattern
from daybook.definitions.project_file import FILE, read_project
from daybook.model.dataset import NO_OWNER
from daybook.project import tables_folder
from daybook.sources.base import ConnectionProvider
from daybook.yaml_model import Layer

#: More tables than this are only counted, unless --verbose is given.
_LISTED = 40


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook describe",
    keys: ConnectionProvider | None = None,
    folder: Path | None = None,
) -> int:
    """Print the proposed table file or a summary of the files, or write them with --write. Return the exit code.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        keys: opens the source's database. None: by its block.
        folder: the folder of the table files. None: that of the project.
    """
    parser = _parser(prog)
    given = parser.parse_args(arguments)
    folder = folder or tables_folder()
    if given.refresh:
        if given.block or given.tables:
            parser.error("--refresh takes the block and the tables from the file: name neither")
        return refresh_groups(given.refresh, keys, force=given.force)
    many = len(given.tables) > 1 or bool(given.exclude) or any(map(is_pattern, given.tables))
    if not given.block or bool(given.tables) == (given.query is not None):
        parser.error("name a block and a table (or --query), or --refresh and a file")
    if many and given.where is not None:
        parser.error("--where is for one table. For many, write where: into a group file, or into sources: in " + FILE)
    with exit_with_reason(f"the database of block {given.block!r}"):
        keys = keys or cast(ConnectionProvider, project_blocks())
        return _many(given, keys, folder) if many else _one(given, keys, folder)


def _one(given: argparse.Namespace, keys: ConnectionProvider, folder: Path) -> int:
    table = next(iter(given.tables), None)
    found = propose_file(keys, given.block, table, given.name, where=given.where, query=given.query)
    owner = given.owner or (None if _default_owner(folder, given.block, found.name.partition(".")[0]) else NO_OWNER)
    there = {one.name for one in existing([found], folder)}
    path = write(found.name, found.text(owner), folder, force=given.force) if given.write else None
    if given.json:
        print_json(_as_json(DescribedTables([found], {}), there, [found] if path else []))
    elif path:
        print(f"wrote {path}. Review it, then try it: daybook load {found.name}")
    else:
        print(found.text(owner), end="")
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Propose a table file for each table or view of a database that matches. Review them before you "
        "use them.",
    )
    parser.add_argument(
        "block", nargs="?", help="the SqlAlchemyConnector block of the source's database, such as production"
    )
    parser.add_argument(
        "tables", nargs="*", help="the tables or views there: schema.table, or patterns in quotes such as 'shop.*'"
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="tables to leave out: 'tmp_*', or 'shop.tmp_*' in one schema; may be repeated",
    )
    parser.add_argument(
        "--name",
        help="the table in the warehouse, schema.table; with a pattern, * is the name in the source, such as "
        f"'raw_shop.*'; by default {NAME}",
    )
    parser.add_argument("--where", metavar="SQL", help="a condition in the source's SQL: only rows that meet it")
    parser.add_argument("--query", metavar="SQL", help="one SELECT instead of a table; needs --name")
    parser.add_argument("--owner", help=f"the team to ask about the tables; by default, the owner of {FILE}")
    parser.add_argument("--write", action="store_true", help="write the files under tables/ instead of printing")
    parser.add_argument(
        "--refresh",
        type=Path,
        metavar="FILE",
        help="list the tables of a group file, such as tables/shop.yaml, in the file next to it; with --force, propose "
        "the listed ones again",
    )
    parser.add_argument("--force", action="store_true", help="with --write: overwrite existing files")
    parser.add_argument(
        "--verbose", action="store_true", help=f"list each table, also if there are more than {_LISTED}"
    )
    parser.add_argument("--json", action="store_true", help="print the proposals as JSON")
    return parser


def _default_owner(folder: Path, block: str, schema: str) -> str | None:
    """Return the owner that the project's file has for a table."""
    project = read_project(folder.parent)
    layers = (project.schemas.get(schema, {}), project.sources.get(block, {}), project.defaults)
    return next((str(layer["owner"]) for layer in layers if layer.get("owner")), None)


def _many(given: argparse.Namespace, keys: ConnectionProvider, folder: Path) -> int:
    schema = (given.name or NAME).partition(".")[0]
    where = where_of(folder, schema, [Layer("", {"source": {"kind": "database", "block": given.block}})])
    found = describe_all(keys, given.block, given.tables, given.exclude, given.name or NAME, lambda name: where)
    default = _default_owner(folder, given.block, schema)
    owner = given.owner or (None if default else NO_OWNER)
    command = " ".join(["daybook describe", given.block, *(f"'{one}'" for one in given.tables)])
    there = {one.name for one in existing(found.files, folder)}
    written = []
    for one in found.files if given.write else ():
        summary = (folder / one.name.replace(".", "/", 1)).with_suffix(".sql").exists()
        if one.name in there and (summary or not given.force):
            if summary:
                found.problems[one.source_name] = f"{one.name} is a summary. Describe it alone, with another --name"
            continue
        write(one.name, one.text(owner, command), folder, force=given.force)
        written.append(one)
    if given.json:
        print_json(_as_json(found, there, written))
        return 1 if found.problems else 0
    _report(found, there, given.verbose)
    if given.write:
        print(f"{len(written)} files written below {folder}. Review them, then run: daybook validate")
        left = sorted(there - {one.name for one in written})
        if left:
            shown = left if given.verbose else left[:_LISTED]
            more = f" and {len(left) - len(shown)} more" if len(left) > len(shown) else ""
            print(f"{len(left)} files already exist and were left alone (--force overwrites): {', '.join(shown)}{more}")
    else:
        print(f"{len(found.files)} tables described. Nothing was written: add --write")
    if owner == NO_OWNER and found.files:
        print(
            f"No owner is known, so the files have the placeholder {NO_OWNER} and do not load. Add --owner TEAM, or "
            f"write defaults: {{owner: TEAM}} into {FILE}, and describe the tables again"
            + (" with --force" if given.write else "")
        )
    elif not given.owner and found.files:
        print(f"Owner: {default}, from {FILE}")
    return 1 if found.problems else 0


def _report(found: DescribedTables, there: set[str], verbose: bool) -> None:
    """Print a line for each table, or only what needs attention if there are many, and each problem."""
    files = found.files
    many = len(files) > _LISTED and not verbose
    if many:
        counts = Counter((one.proposal.load, one.proposal.certainty) for one in files)
        for (load, certainty), count in sorted(counts.items()):
            print(f"{count:5}  {load}, {certainty}")
        files = [one for one in files if one.proposal.certainty == "guess" or one.proposal.warning]
        shown = files[:_LISTED]
        if files:
            print(f"Check these {len(files)} first, --verbose lists all:")
    else:
        shown = files
    width = max((len(one.name) for one in shown), default=0)
    for one in shown:
        warning = f"  WARNING: {one.proposal.warning}" if one.proposal.warning else ""
        print(f"{one.name:{width}}  {one.line()}{warning}")
    if len(files) > len(shown):
        print(f"… and {len(files) - len(shown)} more")
    for number, (what, why) in enumerate(found.problems.items()):
        if number == _LISTED and not verbose:
            print(f"NOT DESCRIBED: {len(found.problems) - number} more, --verbose lists all")
            break
        print(f"NOT DESCRIBED: {what}: {why}")


def _as_json(found: DescribedTables, there: set[str], written: Sequence[ProposedFile]) -> dict[str, Any]:
    names = {one.name for one in written}
    return {
        "tables": [
            {
                "name": one.name,
                "source": one.source_name,
                **{field: text for field, text in (("where", one.where), ("query", one.query)) if text},
                "columns": one.fields()["columns"],
                **one.load_fields(),
                "certainty": one.proposal.certainty,
                "reason": one.reason,
                "warning": one.proposal.warning,
                "written": one.name in names,
                "existed": one.name in there,
            }
            for one in found.files
        ],
        "problems": found.problems,
    }
