"""`daybook describe --refresh tables/shop.yaml`: list the tables of a group file."""

from pathlib import Path
from typing import cast

from daybook.cli.connections import project_blocks
from daybook.cli.exits import exit_with_reason
from daybook.definitions.table_groups.refresh_group import Refreshed, refresh
from daybook.sources.base import ConnectionProvider


def refresh_groups(path: Path, keys: ConnectionProvider | None, *, force: bool) -> int:
    """Write the list of the tables of the group file at `path`, and print what changed. Return the exit code.

    Args:
        path: the group file.
        keys: opens the source's database. None: by its block.
        force: True to propose the fields of listed tables again.
    """
    with exit_with_reason(f"the database of {path}"):
        done = refresh(path, keys or cast(ConnectionProvider, project_blocks()), force=force)
    print(f"wrote {done.path} with {done.tables} tables: {len(done.added)} added, {len(done.removed)} removed")
    _print(done, force)
    return 1 if done.problems else 0


def _print(done: Refreshed, force: bool) -> None:
    for what, names in (("added", done.added), ("removed", done.removed)):
        if names and len(names) < done.tables:
            print(f"{what}: {', '.join(names)}")
    if done.differing:
        outcome = "changed" if force else "their lines were kept, --force takes the new proposals"
        print(f"proposed differently now: {', '.join(done.differing)} ({outcome})")
    for one in done.doubtful:
        print(f"check {one.name}: {one.line()}. WARNING: {one.proposal.warning}")
    for what, why in done.problems.items():
        print(f"NOT DESCRIBED: {what}: {why}")
    if done.removed:
        print("A removed table is no longer loaded. Its rows and its ledger stay in the warehouse")
