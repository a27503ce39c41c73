"""`daybook demo` and `daybook stack up|down|status`: PostgreSQL, a Prefect server and a worker on this machine."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daybook.project import checkout, project_root
from daybook.scaffold.example import copy_example

if TYPE_CHECKING:
    from daybook.orchestration.local_stack.console import Narrator
    from daybook.orchestration.local_stack.stack import LocalStack


#: The folder that `daybook demo` makes outside of a checkout.
DEMO = "daybook-demo"


def demo(arguments: Sequence[str] | None = None, prog: str = "daybook demo") -> int:
    """Start the local stack, load nps through its worker and show the result. Return the exit code."""
    description = "Start the local stack, load nps through its worker and show the result."
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument(
        "--started", type=int, metavar="SECONDS", help="the time when `make demo` started, in seconds since 1970"
    )
    return _run("demo", parser.parse_args(arguments).started)


def main(arguments: Sequence[str] | None = None, prog: str = "daybook stack") -> int:
    """Start, stop or list the parts of the local stack. Return the exit code."""
    description = (
        "The local stack: a PostgreSQL, a Prefect server and a worker. Its state is in the project's .daybook/."
    )
    parser = argparse.ArgumentParser(prog=prog, description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start every part, and load the intervals that were missed")
    commands.add_parser("down", help="stop every part; the data stays")
    commands.add_parser("status", help="list the parts, their addresses and their logs")
    return _run(parser.parse_args(arguments).command)


def demo_folder() -> Path:
    """Return the folder of the demo: this checkout, this folder if an earlier demo made it, or a new `daybook-demo`.

    The demo loads sample data, so it never runs in a project of the user's own.
    """
    here = project_root()
    if here in (checkout(), Path.cwd()) and (here / "tables" / "raw_data" / "nps.yaml").is_file():
        return here
    return copy_example(Path.cwd() / DEMO)


def _run(command: str, started: int | None = None) -> int:
    import httpx

    from daybook.orchestration.local_stack.console import Narrator
    from daybook.orchestration.local_stack.errors import StackError
    from daybook.orchestration.local_stack.stack import LocalStack

    stack, narrator = LocalStack(demo_folder() if command == "demo" else project_root()), Narrator()
    try:
        if command == "down":
            count = stack.stop()
            stopped = f"Stopped ({count} processes); the data is still in .daybook/"
            narrator.say(stopped if count else "Nothing was running.")
        elif command == "status":
            for line in stack.status():
                narrator.say(line)
        else:
            _start(command, stack, narrator, time.time() - started if started else 0.0)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"\nA request to the Prefect server failed: {error}. See {stack.server.log}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The parts that were started keep running: `make stop` stops them.", file=sys.stderr)
        return 130
    return 0


def _start(command: str, stack: "LocalStack", narrator: "Narrator", seconds_before: float) -> None:
    from daybook.orchestration.local_stack.database_targets import find_targets
    from daybook.orchestration.local_stack.environment import replace_environment
    from daybook.orchestration.local_stack.lock import only_one

    stack.check_home()
    with only_one(stack.home):
        targets = find_targets(stack)
        replace_environment(stack.environment)
        stack.start_server()  # it starts while this process imports Prefect, which reads the environment on import
        from daybook.orchestration.local_stack.demo.run import run_demo, start_and_catch_up

        if command == "demo":
            run_demo(stack, targets, narrator, seconds_before)
        else:
            start_and_catch_up(stack, targets, narrator)
