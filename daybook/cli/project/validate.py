"""`daybook validate`: check the project's files without any connection."""

import argparse
import sys
from collections.abc import Sequence

from daybook.project import is_project, project_root
from daybook.validation.all_checks import validate
from daybook.validation.report_formats import FORMATS

_DESCRIPTION = """\
Check all files of the project: table files, summaries, checks, owners, prefect.yaml and the tables that flows name.

It opens no connection and needs no Prefect server, so it can run for each pull request. It reports every problem, as
path:line: message. The exit code is 0 without problems, and 1 with any.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "daybook validate") -> int:
    """Print the problems of the project's files, and return the exit code.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--format",
        choices=list(FORMATS),
        default="text",
        help="github: annotations of a pull request. gitlab: a code-quality report",
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="as --format json")
    given = parser.parse_args(arguments)
    root = project_root()
    project, problems = validate(root)
    if printed := FORMATS[given.format](problems):
        print(printed)
    counted = f"{len(project.names)} tables and summaries in {root / 'tables'}"
    verdict = f"{len(problems)} problem{'s' * (len(problems) != 1)}" if problems else "no problems"
    print(f"{verdict} in {counted}", file=sys.stderr)
    if not project.names and not problems and not is_project(root):  # a new project has no table yet
        print("There is no table file: run this in the project's folder, or set DAYBOOK_PROJECT", file=sys.stderr)
        return 1
    return 1 if problems else 0
