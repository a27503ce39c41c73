"""`daybook describe production prod.orders`: propose a table file for a table of a database."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from daybook.cli.connections import project_blocks
from daybook.cli.exits import exit_with_reason
from daybook.definitions.describe import describe, write
from daybook.project import tables_folder
from daybook.sources.base import ConnectionProvider


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook describe",
    keys: ConnectionProvider | None = None,
    folder: Path | None = None,
) -> None:
    """Print the proposed table file, or write it with --write. Exit with 1 and the reason if that fails.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        keys: opens the source's database. None: by its block.
        folder: the folder of the table files. None: that of the project.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description="Propose a table file for a table or view of a database. Review it before you use it."
    )
    parser.add_argument("block", help="the SqlAlchemyConnector block of the source's database, such as production")
    parser.add_argument("table", help="the table or view there: schema.table")
    parser.add_argument("--name", help="the table in the warehouse, schema.table; by default raw_data.<table>")
    parser.add_argument("--write", action="store_true", help="write the file under tables/ instead of printing it")
    parser.add_argument("--force", action="store_true", help="with --write: overwrite an existing file")
    given = parser.parse_args(arguments)
    with exit_with_reason(f"the database of block {given.block!r}"):
        name, text = describe(keys or cast(ConnectionProvider, project_blocks()), given.block, given.table, given.name)
        if not given.write:
            print(text, end="")
            return
        path = write(name, text, folder or tables_folder(), force=given.force)
    print(f"wrote {path}. Review it, then try it: daybook load {name}")
