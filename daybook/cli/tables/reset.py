"""`daybook reset`: delete the rows of a table and close its ledger, so that it can be loaded from the beginning."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from daybook.cli.exits import exit_with_reason
from daybook.cli.tables.asking import add_json, add_yes, agreed, check_json, printed
from daybook.cli.tables.ends import BlocksEnds, Ends
from daybook.cli.tables.runs import refuse_while_loading
from daybook.lifecycle.changes import find, reset
from daybook.shell import command

_DESCRIPTION = """\
Delete all rows of a table, and close its ledger: none of its intervals counts as loaded any more. The table stays, with
its columns, grants and views. Summaries that read it are rebuilt completely. The ledger keeps its history.
"""


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook reset",
    ends: Ends | None = None,
    folder: Path | None = None,
) -> int:
    """Reset one table, after a question. Return the exit code, or exit with 1 and the reason if that fails."""
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("table", help="the table: raw_data.orders, or orders")
    parser.add_argument("--keep-rows", action="store_true", help="keep the rows, and close the ledger alone")
    add_yes(parser)
    add_json(parser)
    given = parser.parse_args(arguments)
    check_json(parser, given)
    ends = ends or BlocksEnds()
    with exit_with_reason("the warehouse"):
        warehouse = ends.warehouse()
        found = find(warehouse, given.table, folder)
        refuse_while_loading(ends, found.name, "reset")
        if printed(given, {**found.as_json(), "rows": "keep" if given.keep_rows else "delete", "ledger": "close"}):
            return 0
        print(f"Reset {found}: {'keep its rows' if given.keep_rows else 'DELETE ALL ITS ROWS'}, and close its ledger.")
        if not agreed(given, f"Reset {found.name}?"):
            return 0
        rows = reset(warehouse, found.name, keep_rows=given.keep_rows)
    print(f"{found.name}: {'its rows were kept' if given.keep_rows else f'{rows:,} rows were deleted'}, and its ledger")
    print(f"was closed. To load it again: {command('daybook', 'load', found.name, '--full-refresh')}")
    return 0
