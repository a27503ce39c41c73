"""`daybook rename`: rename a table in the warehouse, in the ledger and in its file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from daybook.cli.exits import exit_with_reason
from daybook.cli.tables.asking import add_json, add_yes, agreed, check_json, printed
from daybook.cli.tables.ends import BlocksEnds, Ends
from daybook.cli.tables.leave_group import group_edit
from daybook.cli.tables.readers import readers_of
from daybook.cli.tables.runs import refuse_while_loading
from daybook.definitions.summary_files import summary_names
from daybook.definitions.table_files import read_table
from daybook.definitions.targets.project_target import current_target, either_name, file_stem, other_targets
from daybook.lifecycle.changes import check_free, files_of, find, move_files, rename
from daybook.lifecycle.errors import ChangeRefused
from daybook.project import tables_folder
from daybook.shell import command
from daybook.summaries.testing.cases import cases_folder

_DESCRIPTION = """\
Rename a table or summary: in the warehouse, in the schema daybook (its loads still count), and its files under tables/.
It lists the summaries that read it. To rename the source's table instead, edit `source:` in the file.
"""


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook rename",
    ends: Ends | None = None,
    folder: Path | None = None,
) -> int:
    """Rename one table, after a question. Return the exit code, or exit with 1 and the reason if that fails."""
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("old", help="the table: raw_data.orders, or orders")
    parser.add_argument("new", help="its new name: raw_data.purchases")
    add_yes(parser)
    add_json(parser)
    given = parser.parse_args(arguments)
    check_json(parser, given)
    folder = folder or tables_folder()
    ends = ends or BlocksEnds()
    with exit_with_reason("the warehouse"):
        warehouse = ends.warehouse()
        found = find(warehouse, given.old, folder)
        is_summary, edit = found.name in summary_names(folder), group_edit(found.name, folder)
        if edit and not files_of(found.name, folder):
            raise ChangeRefused(_in_group(found.name, edit.group, folder))
        new = either_name(given.new)
        check_free(warehouse, new, folder, found.name)
        refuse_while_loading(ends, found.name, "renamed")
        summaries = readers_of(warehouse, found.name, folder)
        plan = {**found.as_json(), "new": new, "summaries": summaries, "group": str(edit.group) if edit else None}
        if printed(given, plan):
            return 0
        print(f"Rename {found} to {new}: the table, its history in the schema daybook, and its files.")
        if edit:
            print(f"- {edit.text}")
        if not agreed(given, f"Rename {found.name} to {new}?"):
            return 0
        rows = rename(warehouse, found.name, new)
        print(f"{found.name} is {new} now, with {rows:,} rows of history in the schema daybook.")
        if edit:
            edit.write()
        for path in move_files(found.name, new, folder):
            print(f"Its file is {path}.")
    if is_summary:
        _move_cases(found.name, new)
        print("The next build builds all of it.")
    for name in summaries:
        print(f"{name} reads {found.name}: change its name in {folder / file_stem(name)}.sql")
    names = [current_target().file_name(name) for name in (found.name, new)]
    for other in other_targets():
        again = command("daybook", "rename", *names, "--target", other)
        print(f"All targets share the file. In {other}, rename the table, too: {again}")
    print("Deploy the project again, so that its deployments load the new name.")
    return 0


def _in_group(table: str, group: Path, folder: Path) -> str:
    source = read_table(table, folder).source
    describe = command("daybook", "describe", source.block, source.title, "--name", table, "--write")
    return (
        f"{table} is in the list of {group}, whose tables have the names of the source. Give it a file of its own: "
        f"{describe}. Then rename it. Nothing was changed"
    )


def _move_cases(old: str, new: str) -> None:
    """Rename the folder of a summary's test cases, if it has one."""
    cases, to = (cases_folder() / file_stem(name) for name in (old, new))
    if cases.is_dir() and not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        print(f"Its test cases are in {cases.rename(to)}.")
