"""`python -m daybook.orchestration.local_stack demo|up|down|status`: what `make demo` and `make stop` call."""

import argparse
import sys
import time
from pathlib import Path

import httpx

from daybook.orchestration.local_stack.console import Narrator
from daybook.orchestration.local_stack.database_targets import find_targets
from daybook.orchestration.local_stack.environment import replace_environment
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.lock import only_one
from daybook.orchestration.local_stack.stack import LocalStack

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Run the command that was typed. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m daybook.orchestration.local_stack", description="Daybook's local stack."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="start everything, load nps through the worker, show the result")
    demo.add_argument("--started", type=int, help="when `make demo` was typed, in seconds since 1970")
    parser.set_defaults(started=None)
    commands.add_parser("up", help="start PostgreSQL, the Prefect server and a worker, and load what was missed")
    commands.add_parser("down", help="stop all of it; the data stays")
    commands.add_parser("status", help="what runs, and where")
    arguments = parser.parse_args()

    stack, narrator = LocalStack(ROOT), Narrator()
    try:
        if arguments.command == "down":
            narrator.say(_stopped(stack.stop()))
        elif arguments.command == "status":
            for line in stack.status():
                narrator.say(line)
        else:
            _start(arguments.command, stack, narrator, time.time() - arguments.started if arguments.started else 0.0)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"\nThe Prefect server gave no good answer: {error}. See {stack.server.log}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What was started goes on: `make stop` ends it.", file=sys.stderr)
        return 130
    return 0


def _start(command: str, stack: LocalStack, narrator: Narrator, seconds_before: float) -> None:
    stack.check_home()
    with only_one(stack.home):
        targets = find_targets(stack)
        replace_environment(stack.environment)
        stack.start_server()  # it starts while this process imports Prefect
        from daybook.orchestration.local_stack.demo.run import (  # Prefect reads the environment when imported
            run_demo,
            start_and_catch_up,
        )

        if command == "demo":
            run_demo(stack, targets, narrator, seconds_before)
        else:
            start_and_catch_up(stack, targets, narrator)


def _stopped(count: int) -> str:
    return f"Stopped ({count} processes); the data is still in .daybook/" if count else "Nothing was running."


if __name__ == "__main__":
    sys.exit(main())
