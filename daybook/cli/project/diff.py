"""`daybook diff`: what deploying this checkout would change, for a person or for a comment of a pull request."""

import argparse
import sys
from collections.abc import Sequence
from typing import cast

from daybook.cli.connections import project_blocks
from daybook.diff.changed_datasets import Selection
from daybook.diff.diff_report import DeploymentChange
from daybook.diff.differences import DiffEnds, differences
from daybook.diff.formats import FORMATS
from daybook.project import project_root
from daybook.sources.base import ConnectionProvider
from daybook.warehouses.base import Warehouse

_DESCRIPTION = """\
Show what deploying this checkout would change in the target: columns, keys and layouts of tables, load strategies,
filters, schedules, deployments, the summaries that are touched, and the intervals and rows to load.

It reads the files, the warehouse, the sources and the deployments on the Prefect server, and changes nothing. What
cannot be reached is a line of the report. The exit code is 0 if everything could be compared, and 1 otherwise.
"""
_PATIENCE = 60  # seconds for a connection to the warehouse, and for each statement


class _BlocksEnds:
    """The connections that the project's blocks and PREFECT_API_URL name."""

    def keys(self) -> ConnectionProvider:
        return cast(ConnectionProvider, project_blocks())

    def warehouse(self) -> Warehouse:
        return cast(Warehouse, project_blocks().warehouse(patience=_PATIENCE))

    def deployments(self, selection: Selection) -> list[DeploymentChange]:
        from daybook.orchestration.blocks.server import server  # imports Prefect
        from daybook.orchestration.deploy.plan_changes import planned_changes

        with server() as client:
            return planned_changes(client, selection.project.root, selection.project.names)


def main(arguments: Sequence[str] | None = None, prog: str = "daybook diff", ends: DiffEnds | None = None) -> int:
    """Print the report, and return the exit code: 1 if something could not be compared.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        ends: the connections. None: by the project's blocks.

    Raises:
        DaybookError: git does not know the reference, or the project has no such target.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--since",
        metavar="REF",
        help="compare only the tables and summaries whose definition differs from the merge base with this git "
        "reference, such as origin/main, and show their fields before and after",
    )
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="markdown: a comment of a pull request")
    parser.add_argument(
        "--markdown", action="store_const", const="markdown", dest="format", help="as --format markdown"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")
    given = parser.parse_args(arguments)
    report = differences(project_root(), given.since, ends or _BlocksEnds())
    print(FORMATS[given.format](report))
    if report.problems:
        count = len(report.problems)
        print(f"{count} thing{'s' * (count > 1)} could not be compared", file=sys.stderr)
    return 1 if report.problems else 0
