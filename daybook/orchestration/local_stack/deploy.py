"""What `make deploy` does, for the demo: blocks, every deployment of prefect.yaml, automations. Again: nothing new."""

import subprocess
import sys
from pathlib import Path

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import LocalStack


def make_blocks(stack: LocalStack, variables: dict[str, str]) -> None:
    """Make or update the blocks from `variables`. Raises StackError with what `daybook blocks` printed."""
    _run(stack, "blocks", ["-m", "daybook", "blocks"], variables)


def deploy_all(stack: LocalStack) -> None:
    """Deploy what prefect.yaml holds. Raises StackError with what Prefect said."""
    _run(stack, "deploy", ["-m", "prefect", "--no-prompt", "deploy", "--all"], {})


def make_automations(stack: LocalStack) -> None:
    """Make or update the automations, once all is deployed. Raises StackError with what was wrong."""
    _run(stack, "automations", ["-m", "daybook", "automations"], {})


def _run(stack: LocalStack, name: str, arguments: list[str], variables: dict[str, str]) -> None:
    log: Path = stack.home / "logs" / f"{name}.log"
    with log.open("w") as output:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=stack.root,
            env=stack.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        said = "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-20:])
        raise StackError(f"`python {' '.join(arguments)}` failed:\n{said}\nAll it said: {log}")
