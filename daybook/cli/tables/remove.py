"""`daybook remove`: stop loading a table, and keep, archive or drop it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daybook.cli.exits import exit_with_reason
from daybook.cli.tables.asking import add_json, add_yes, agreed, check_json, printed
from daybook.cli.tables.ends import BlocksEnds, Ends
from daybook.cli.tables.leave_group import group_edit
from daybook.cli.tables.readers import readers_of
from daybook.cli.tables.runs import refuse_while_loading
from daybook.definitions.summary_files import summary_names
from daybook.definitions.table_files import table_names
from daybook.definitions.table_groups.group_file import found_path, group_of
from daybook.definitions.targets.project_target import current_target, other_targets
from daybook.lifecycle.changes import ARCHIVE, Fate, files_of, find, remove
from daybook.project import tables_folder
from daybook.warehouses.base import Warehouse

_DESCRIPTION = """\
Stop loading a table: delete its own deployments, and close its ledger. Without options, the table and its file stay.
The ledger keeps its history.
"""
_FATES: dict[Fate, str] = {"keep": "it stays in the warehouse", "archive": "move it to the schema", "drop": "DROP IT"}


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook remove",
    ends: Ends | None = None,
    folder: Path | None = None,
) -> int:
    """Remove one table, after a question. Return the exit code, or exit with 1 and the reason if that fails."""
    parser = _parser(prog)
    given = parser.parse_args(arguments)
    check_json(parser, given)
    archive = current_target().schema(given.archive or ARCHIVE)
    fate: Fate = "drop" if given.drop else "archive" if given.archive else "keep"
    folder = folder or tables_folder()
    ends = ends or BlocksEnds()
    with exit_with_reason("the warehouse"):
        warehouse = ends.warehouse()
        found = find(warehouse, given.table, folder)
        refuse_while_loading(ends, found.name, "removed")
        with ends.server() as client:
            own, shared = _deployments(client, found.name, folder)
            files = files_of(found.name, folder)
            edit = group_edit(found.name, folder)
            plan = {
                **found.as_json(),
                "fate": fate,
                "archive": archive if fate == "archive" else None,
                "deployments": {"pause" if given.pause else "delete": [one.name for one in own]},
                "shared_deployments": [one.name for one in shared],
                "files": {"delete" if given.delete_file else "keep": [str(path) for path in files]},
                "group": str(edit.group) if edit else None,
            }
            if printed(given, plan):
                return 0
            print(f"Remove {found}:")
            print(f"- the table: {_FATES[fate]}{f' {archive}' if fate == 'archive' else ''}")
            print("- its ledger: closed")
            for one in own:
                print(f"- its deployment {one.name}: {'paused' if given.pause else 'deleted'}")
            for path in files if given.delete_file else ():
                print(f"- its file {path}: deleted{', for all targets' if other_targets() else ''}")
            if edit:
                print(f"- {edit.text if given.delete_file else f'its line in {found_path(edit.group)}: stays'}")
            if not agreed(given, f"Remove {found.name}?"):
                return 0
            _stop(client, own, given.pause)
        archived = remove(warehouse, found.name, fate, archive)
    for path in files if given.delete_file else ():
        path.unlink()
    if edit and given.delete_file:
        edit.write()
    print(f"{found.name} is removed{f'; its rows are in {archived}' if archived else ''}.")
    _say_what_is_left(warehouse, found.name, folder, shared, [] if given.delete_file else files)
    return 0


def _say_what_is_left(warehouse: Warehouse, table: str, folder: Path, shared: list[Any], files: list[Path]) -> None:
    for one in shared:
        print(f"The deployment {one.name} concerns other tables, too, and stays: deploy the project without {table}.")
    for path in files:
        print(f"{path} still describes it, so catch-up and the next deploy load it again: delete it, or move it away.")
    if group := group_of(current_target().file_name(table), folder):
        print(
            f"{found_path(group)} still lists it, so catch-up and the next deploy load it again. --delete-file deletes "
            f"its line; by hand, also add its name in the source to exclude: in {group}"
        )
    for name in readers_of(warehouse, table, folder):
        print(f"The summary {name} reads it: change or remove the summary.")


def _stop(client: Any, deployments: list[Any], pause: bool) -> None:
    """Pause the deployments, or delete them with their triggers."""
    from daybook.orchestration.lifecycle.server_objects import triggers_of  # imports Prefect

    for trigger in () if pause else triggers_of(client, {one.id for one in deployments}):
        trigger.delete()
    for one in deployments:
        (client.pause_deployment if pause else client.delete_deployment)(one.id)


def _deployments(client: Any, table: str, folder: Path) -> tuple[list[Any], list[Any]]:
    """Return the deployments of this table alone, and those of others, too."""
    from daybook.orchestration.lifecycle.table_deployments import deployments_of  # imports Prefect

    found = deployments_of(client, table, [*table_names(folder), *summary_names(folder)])
    return [one for one in found if one.alone], [one for one in found if not one.alone]


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("table", help="the table: raw_data.orders, or orders")
    fates = parser.add_mutually_exclusive_group()
    fates.add_argument(
        "--archive", nargs="?", const=ARCHIVE, metavar="SCHEMA", help=f"move it to this schema (default: {ARCHIVE})"
    )
    fates.add_argument("--drop", action="store_true", help="drop it, with all of its rows")
    parser.add_argument("--pause", action="store_true", help="pause its deployments instead of deleting them")
    parser.add_argument("--delete-file", action="store_true", help="delete its file, and its line in a group")
    add_yes(parser)
    add_json(parser)
    return parser
