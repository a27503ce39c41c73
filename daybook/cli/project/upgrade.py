"""`daybook upgrade`: bring the project's files and the schema `daybook` of the warehouse to the installed release."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from daybook import __version__
from daybook.cli.connections import project_blocks
from daybook.cli.exits import exit_with_reason
from daybook.definitions.project_file import read_project
from daybook.definitions.targets.project_target import current_target
from daybook.errors import DaybookError
from daybook.ledger.migrations import migrate, pending
from daybook.ledger.schema_version import VERSION
from daybook.project import project_root
from daybook.scaffold.new_project import write_file
from daybook.scaffold.release_files import outdated_files
from daybook.scaffold.requirement import former_package
from daybook.warehouses.base import Warehouse

_DESCRIPTION = """\
Bring the project's files and the schema `daybook` of the warehouse to the installed release. Run it after
you have installed a later release. A second run changes nothing.
"""


def _blocks_warehouse() -> Warehouse:
    return cast(Warehouse, project_blocks().warehouse())


def main(
    arguments: Sequence[str] | None = None,
    prog: str = "daybook upgrade",
    warehouse: Callable[[], Warehouse] = _blocks_warehouse,
) -> int:
    """Upgrade the files and the warehouse, and print a line for each change. Return the exit code.

    With --dry-run, the code is 1 if something would change, for CI. `warehouse` opens it, by default by its block.
    """
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("--dry-run", action="store_true", help="only print what would change; exit with 1 if anything")
    parser.add_argument("--files-only", action="store_true", help="leave the warehouse alone; needs no Prefect server")
    given = parser.parse_args(arguments)
    root, changes = project_root(), 0
    if former := former_package():
        print(f"{former[0]}. Run: {former[1]}", file=sys.stderr)
    for name, text in outdated_files(root).items():
        changes += 1
        if not given.dry_run:
            write_file(root, name, text)
        print(f"{name}: {'would be updated' if given.dry_run else 'updated'}")
    if twice := _declared_twice(root):
        print(twice, file=sys.stderr)
    if not given.files_only:
        changes += _upgrade_warehouse(warehouse, dry_run=given.dry_run)
    if not changes:
        print(f"Everything is at Daybook {__version__}")
    elif not given.dry_run:
        print(f"Now at Daybook {__version__}. Commit the changed files, and install the release on every worker")
    sys.stdout.flush()
    return 1 if changes and given.dry_run else 0


def _declared_twice(root: Path) -> str | None:
    """Return a sentence about the entries of prefect.yaml that `daybook deploy` makes now, too, if there are any."""
    if not (root / "prefect.yaml").is_file():
        return None
    from daybook.orchestration.deploy.deploy_plan import declared  # imports Prefect, which is slow
    from daybook.orchestration.deploy.prefect_file import declared_twice

    try:
        wanted = declared(read_project(root), current_target(root))
    except DaybookError:  # an invalid file, which `daybook validate` and `daybook deploy` report
        return None
    return declared_twice(root, {one.full_name for one in wanted})


def _upgrade_warehouse(warehouse: Callable[[], Warehouse], *, dry_run: bool) -> int:
    count = 0
    with exit_with_reason("the warehouse"):
        opened = warehouse()
        with opened.session() as session:
            for migration in pending(opened, session) if dry_run else migrate(opened, session):
                count += 1
                done = "would be upgraded" if dry_run else "upgraded"
                print(f"schema daybook: {done} to version {migration.version} of {VERSION}: {migration.title}")
    return count
