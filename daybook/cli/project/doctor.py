"""`daybook doctor`: check the set-up of a project, and name the command that fixes each problem."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from daybook.orchestration.doctor.findings import Finding, failed
from daybook.orchestration.server.errors import ServerUnreachable
from daybook.orchestration.server.require import require_server

_DESCRIPTION = """\
Check the set-up of this project: Prefect's server and worker, blocks, each database and its privileges, the stage,
Slack, the table files, the Python environment. Nothing is changed, and no message is sent. Each check has five seconds.
The exit code is 1 if something fails.
"""
_MARKS = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "error": "[red]✗[/red]"}


def main(arguments: Sequence[str] | None = None, prog: str = "daybook doctor") -> int:
    """Print what every check finds, and return the exit code.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
    """
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="print the findings as a JSON list")
    given = parser.parse_args(arguments)
    from rich.console import Console
    from rich.markup import escape

    found = list[Finding]()
    console = Console(highlight=False, soft_wrap=True)

    def show(finding: Finding) -> None:
        found.append(finding)
        if not given.json:
            console.print(f"{_MARKS[finding.level]} {finding.check}: {escape(finding.text)}")
            if finding.remedy:
                console.print(f"    → {escape(finding.remedy)}")

    reached = True
    try:
        require_server()
    except ServerUnreachable as error:
        reached = False
        show(failed("Prefect server", error))
    from daybook.orchestration.doctor.examine import examine  # imports Prefect, which takes seconds

    for finding in examine(reached):
        show(finding)
    if given.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    return int(any(finding.level == "error" for finding in found))
