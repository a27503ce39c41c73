"""`daybook uninstall`: remove what the project has made on the Prefect server."""

import argparse
import importlib
import os
import re
from collections import Counter
from collections.abc import Sequence

from daybook.cli.exits import exit_with_reason
from daybook.cli.tables.asking import add_json, add_yes, agreed, check_json, printed
from daybook.cli.tables.ends import BlocksEnds, Ends
from daybook.definitions.project_file import read_project
from daybook.definitions.targets.project_target import Target, current_target, find_target, target_names
from daybook.project import TARGET

_DESCRIPTION = """\
Delete what the project has made on the Prefect server: its deployments (by their tags), automations, and the monitor's
variables; with --blocks, also its blocks. With --target, only those of one target, else those of all targets. The
warehouse keeps all tables. Runs, work pools and files stay.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "daybook uninstall", ends: Ends | None = None) -> int:
    """Uninstall the project, after a question. Return the exit code, or exit with 1 and the reason if that fails."""
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION)
    parser.add_argument("--blocks", action="store_true", help="delete the blocks of `daybook blocks`, too")
    add_yes(parser)
    add_json(parser)
    given = parser.parse_args(arguments)
    check_json(parser, given)
    with exit_with_reason("the Prefect server"):
        project = read_project()
        targets = [find_target(project, name) for name in target_names(project)]
        kept = [one for one in targets if os.environ.get(TARGET) and one.name != current_target().name]
        chosen = [one for one in targets if one not in kept]
        with (ends or BlocksEnds()).server() as client:
            from daybook.orchestration.lifecycle.server_objects import made_by  # imports Prefect

            found = made_by(client, project.name, chosen, _blocks() if given.blocks else (), kept)
            if printed(given, [{"kind": one.kind, "name": one.name} for one in found]):
                return 0
            print(f"On the Prefect server {client.api_url}, made by the project {project.name}{_shown(chosen, kept)}:")
            for one in found:
                print(f"- {one.kind} {one.name}")
            if not found:
                print("- nothing")
            elif not agreed(given, f"Delete all {len(found)} of them?"):
                return 0
            for one in found:
                one.delete()
    deleted = ", ".join(f"{count} {kind}s" for kind, count in Counter(one.kind for one in found).items())
    print(f"Deleted: {deleted or 'nothing'}.")
    print("The warehouse was not changed. Your tables do not need Daybook. To forget what was loaded, run there, as")
    print("the owner of the schema: DROP SCHEMA daybook CASCADE")
    return 0


def _shown(chosen: Sequence[Target], kept: Sequence[Target]) -> str:
    if len(chosen) == 1:
        return f" in target {chosen[0].name}" if kept else ""
    return f" in all targets ({', '.join(one.name for one in chosen)})"


def _blocks() -> list[str]:
    """Return the blocks that `daybook blocks` makes: `SqlAlchemyConnector/warehouse`."""
    from daybook.orchestration.blocks.registry import declared_blocks

    declared = declared_blocks(importlib.import_module("daybook.blocks"))
    return [name for one in declared for name in re.findall(r"\w+/\w+", one.makes)]
