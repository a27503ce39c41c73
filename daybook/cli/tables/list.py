"""`daybook tables`: list the tables with their state, the last interval loaded, the schedule and the owner."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from daybook.cli.exits import print_json
from daybook.cli.tables.ends import BlocksEnds, Ends
from daybook.errors import DaybookError
from daybook.lifecycle.table_list import NO_HISTORY, Known, Listed, listed, read_ledger
from daybook.sql.database_error import DatabaseError

_DESCRIPTION = """\
List the tables and summaries of the project, and those that only the ledger knows: kind, state, last interval loaded,
schedule, due, owner. The warehouse is found by its block on the Prefect server. Without it, states are unknown.

States: loaded; no history (the intervals from start: to the first loaded one are missing); behind (a complete interval
after the last one is not loaded); late (behind its due: time); failed (its last run failed: also a build of a summary,
and a run that waits for its retry); never loaded; invalid file.
"""
_COLUMNS = ("table", "kind", "state", "last interval", "loaded at (UTC)", "schedule", "due", "owner")


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook tables",
    ends: Ends | None = None,
    folder: Path | None = None,
) -> int:
    """Print the list, and return the exit code: 1 if the ledger could not be read.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        ends: opens the warehouse. None: by its block.
        folder: the folder of the table files. None: that of the project.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="'raw_data.*', orders: only these tables")
    parser.add_argument("--state", action="append", help="only tables in this state; may be given several times")
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    given = parser.parse_args(arguments)
    known, problem = _known(ends or BlocksEnds())
    rows = listed(known, datetime.now(UTC), given.patterns, folder)
    rows = [row for row in rows if not given.state or row.state in given.state]
    if given.json:
        print_json([row.as_json() for row in rows])
    else:
        _print(rows)
    if problem:
        print(f"The ledger was not read, so states are unknown. {problem}", file=sys.stderr)
        return 1
    return 0


def _known(ends: Ends) -> tuple[Known | None, str | None]:
    try:
        from daybook.orchestration.lifecycle.retrying_runs import failed_before_retry  # imports Prefect

        known = read_ledger(ends.warehouse())
        with ends.server() as client:
            return known.with_failures(failed_before_retry(client)), None
    except DaybookError as error:
        return None, f"{type(error).__name__}: {error}"
    except DatabaseError as error:
        return None, f"the warehouse failed: {error.message}"


def _print(rows: Sequence[Listed]) -> None:
    cells = [_COLUMNS, *map(_cells, rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(_COLUMNS))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"\n{len(rows)} {'table' if len(rows) == 1 else 'tables'}")
    if lacking := [row.name for row in rows if row.state == NO_HISTORY]:
        print(
            f"{len(lacking)} with no history: the intervals from start: to the first loaded one are missing. To "
            f"load all of a table: daybook load {lacking[0]} --full-refresh"
        )


def _cells(row: Listed) -> tuple[str, ...]:
    loaded = f"{row.loaded_at:%Y-%m-%d %H:%M}" if row.loaded_at else ""
    state = f"{row.state} since {row.failed_since:%Y-%m-%d %H:%M}" if row.failed_since else row.state
    texts = (row.name, row.kind, state, row.last_interval, loaded, row.schedule, row.due, row.owner)
    return tuple(text or "" for text in texts)
