"""Find the subcommand of the command line, import it, and run it with the remaining arguments."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from daybook import __version__
from daybook.cli.commands import COMMANDS, GROUPS, Command
from daybook.errors import DaybookError
from daybook.suggestions import did_you_mean

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int | None:
    """Run `daybook` with `arguments` (by default, those of the process), and return the exit code. None means 0."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help", "help"):
        print("\n".join(_overview()))
        return 0
    if name in ("-V", "--version"):
        print(f"daybook {__version__}")
        return 0
    if name not in COMMANDS:
        near = did_you_mean(name, COMMANDS, "`daybook --help` lists the commands")
        print(f"daybook: unknown command {name!r}{near}", file=sys.stderr)
        return USAGE_ERROR
    try:
        return _run(COMMANDS[name], rest)
    except DaybookError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _run(command: Command, arguments: list[str]) -> int | None:
    module, _, name = command.target.partition(":")
    target: Any = getattr(importlib.import_module(module), name)
    prog = f"daybook {command.name}"
    if not hasattr(target, "fn"):  # not a flow
        code: int | None = target(arguments, prog)
        return code
    from daybook.orchestration.command_line import run  # imports Prefect

    run(target, arguments, prog)
    return None


def _overview() -> Iterator[str]:
    yield "usage: daybook COMMAND [ARGUMENTS]"
    yield ""
    yield "Load tables into a warehouse by intervals, and keep a ledger of the loads."
    for title, commands in GROUPS.items():
        yield f"\n{title}:"
        yield from (f"  {command.name:<16} {command.summary}" for command in commands)
    yield "\n`daybook COMMAND --help` explains a command."
