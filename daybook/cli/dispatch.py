"""Find the subcommand of the command line, import it, and run it with the remaining arguments.

`--target NAME` may stand anywhere. It becomes DAYBOOK_TARGET, so subcommands and flows do not have to know it.
"""

import importlib
import os
import select
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from daybook import __version__
from daybook.cli.commands import COMMANDS, GROUPS, Command
from daybook.errors import DaybookError
from daybook.garbage import search_rarely
from daybook.project import TARGET
from daybook.suggestions import did_you_mean

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int | None:
    """Run `daybook` with `arguments` (by default, those of the process), and return the exit code. None means 0.

    If the reader of the output has ended, as in `daybook tables | head`, the rest is not printed and the code is 1:
    https://docs.python.org/3/library/signal.html#note-on-sigpipe.
    """
    if arguments is None:  # the process has no other purpose
        search_rarely()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        if not _reader_has_ended():
            raise  # of another connection
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more as it ends
        return 1


def _reader_has_ended() -> bool:
    output = select.poll()
    output.register(sys.stdout, 0)  # errors are always reported
    return any(event & select.POLLERR for _, event in output.poll(0))


def _dispatch(arguments: Sequence[str] | None) -> int | None:
    try:
        target, given = _without_target(list(sys.argv[1:] if arguments is None else arguments))
    except ValueError as error:
        print(f"daybook: {error}", file=sys.stderr)
        return USAGE_ERROR
    name, *rest = given or ["--help"]
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
    command = COMMANDS[name]
    if target and not command.has_targets:
        print(f"daybook: {name} has no targets: leave out --target {target}", file=sys.stderr)
        return USAGE_ERROR
    try:
        with _in_target(target) if command.has_targets else nullcontext():
            return _run(command, rest)
    except DaybookError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def _without_target(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the NAME of `--target NAME`, and the other arguments. Those after `--` are left alone."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for place, text in enumerate(arguments[:end]):
        if text == "--target":
            if place + 1 >= end or arguments[place + 1].startswith("-"):
                raise ValueError("--target needs the name of a target, such as --target dev")
            return arguments[place + 1], [*arguments[:place], *arguments[place + 2 :]]
        if text.startswith("--target="):
            return text.removeprefix("--target="), [*arguments[:place], *arguments[place + 1 :]]
    return None, arguments


@contextmanager
def _in_target(name: str | None) -> Iterator[None]:
    """Run a subcommand in the target `name`, or in that of the environment. An unknown one is refused at once."""
    before = os.environ.get(TARGET)
    if name is None and not before:
        yield
        return
    from daybook.definitions.targets.project_target import current_target  # imports pydantic

    try:
        os.environ[TARGET] = name or before or ""
        if not (target := current_target()).is_prod:
            print(f"target: {target.name}", file=sys.stderr)
        yield
    finally:
        if before is None:
            del os.environ[TARGET]
        else:
            os.environ[TARGET] = before


def _run(command: Command, arguments: list[str]) -> int | None:
    module, _, name = command.target.partition(":")
    if command.is_flow and not {"-h", "--help"}.intersection(arguments):
        from daybook.orchestration.server.require import require_server

        require_server()  # before Prefect is imported, which takes seconds
    target: Any = getattr(importlib.import_module(module), name)
    prog = f"daybook {command.name}"
    if not command.is_flow:
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
    yield "\nEvery command takes --target NAME, an environment that daybook.yaml defines."
    yield "`daybook COMMAND --help` explains a command."
