"""`daybook layout`: compare where the warehouse keeps the rows of its tables with their files, and change it."""

import argparse
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from daybook.cli.connections import project_blocks
from daybook.cli.exits import exit_with_reason
from daybook.definitions.layouts import LAYOUT_FIELDS
from daybook.definitions.registry import read_dataset
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import table_names
from daybook.definitions.targets.project_target import either_name
from daybook.errors import TableFileError
from daybook.suggestions import in_full
from daybook.summaries.parse.joins import joined_columns
from daybook.summaries.parse.lineage import Lineage, read
from daybook.warehouses.base import Warehouse
from daybook.warehouses.lock_waits import retry_while_locked
from daybook.warehouses.session import Session

_DESCRIPTION = """\
Show how the warehouse distributes, sorts and compresses each table, the statements that give it the layout of its file,
and warnings about its rows.
"""


def _blocks_warehouse() -> Warehouse:
    return cast(Warehouse, project_blocks().warehouse())


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook layout",
    warehouse: Callable[[], Warehouse] = _blocks_warehouse,
    folder: Path | None = None,
) -> None:
    """Print the layouts, or change them with --apply. Exit with 1 and the reason if that fails, or if a file is wrong.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        warehouse: opens the warehouse. By default by its block.
        folder: the folder of the table files and summary files. None: that of the project.
    """
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="schema.table; by default every table with a file")
    parser.add_argument("--apply", action="store_true", help="run the statements instead of printing them alone")
    given = parser.parse_args(arguments)
    with exit_with_reason("the warehouse"):
        opened = warehouse()
        if opened.layout is None:
            print(f"{opened.title} has no layouts, so it ignores {', '.join(sorted(LAYOUT_FIELDS))}: in the files")
            return
        every = sorted([*table_names(folder), *summary_names(folder)])
        names = [in_full(either_name(name), every) for name in given.tables] or every
        joins = joined_columns(_lineages(opened, folder))
        wrong = False
        with opened.session() as session:
            for name in names:
                print(name)
                try:
                    layouts = read_dataset(name, folder).layouts
                    _show(opened, session, name, layouts, joins.get(name, {}), apply=given.apply)
                except TableFileError as error:
                    wrong = True
                    print(f"  {error}")
        if wrong:
            sys.exit(1)


def _lineages(warehouse: Warehouse, folder: Path | None) -> Iterator[Lineage]:
    """Yield the parsed summaries. One with an invalid file only lacks a say in the choice of a key."""
    for name in summary_names(folder):
        try:
            yield read(read_summary(name, folder), warehouse.sqlglot_dialect)
        except TableFileError as error:
            print(f"skipped: {error}")


def _show(
    warehouse: Warehouse,
    session: Session,
    name: str,
    layouts: Mapping[str, object],
    joins: Mapping[str, Collection[str]],
    *,
    apply: bool,
) -> None:
    if not warehouse.exists(session, name):
        print("  does not exist yet: the first load or build creates it with the layout of its file")
        return
    for statement in warehouse.layout_changes(session, name, layouts):
        readable = statement.replace("%%", "%")
        if apply:
            alter = partial(warehouse.alter, session, statement)
            retry_while_locked(warehouse, session, [name], f"{name}: {readable}", alter)
        print(f"  {'changed' if apply else 'differs from its file'}: {readable}")
    for option, value in warehouse.layout_of(session, name).items():
        print(f"  {option}: {value}")
    for warning in warehouse.layout_warnings(session, name, layouts, joins):
        print(f"  warning: {warning}")
