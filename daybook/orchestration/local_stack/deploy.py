"""Do what `make deploy` does, for the demo: blocks, deployments and automations. Reruns are idempotent."""

import subprocess
import sys
from pathlib import Path

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import LocalStack


def make_blocks(stack: LocalStack, variables: dict[str, str]) -> None:
    """Create or update the blocks from `variables`. Raises StackError with the output of `daybook blocks`."""
    _run(stack, "blocks", ["-m", "daybook", "blocks", "--force"], variables)


def deploy_all(stack: LocalStack) -> None:
    """Create or update every deployment of prefect.yaml. Raises StackError with Prefect's output."""
    _run(stack, "deploy", ["-m", "prefect", "--no-prompt", "deploy", "--all"], {})


def make_automations(stack: LocalStack) -> None:
    """Create or update the automations. Call it after `deploy_all`. Raises StackError with the command's output."""
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
        last_lines = "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-20:])
        raise StackError(f"`python {' '.join(arguments)}` failed:\n{last_lines}\nThe whole output: {log}")
