"""Do what `make deploy` does, for the demo: blocks, deployments and automations. Reruns are idempotent."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.stack import LocalStack


@dataclass(frozen=True)
class Running:
    """A command that runs in the background, and the file with its output."""

    arguments: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait for its end. Raises StackError with the last lines of its output if it failed."""
        if self.process.wait():
            last_lines = "\n".join(self.log.read_text(errors="replace").rstrip().splitlines()[-20:])
            raise StackError(f"`python {' '.join(self.arguments)}` failed:\n{last_lines}\nThe whole output: {self.log}")


def start_blocks(stack: LocalStack, variables: dict[str, str]) -> Running:
    """Start to create or update the blocks from `variables`."""
    return _start(stack, "blocks", ["-m", "daybook", "blocks", "--force"], variables)


def make_blocks(stack: LocalStack, variables: dict[str, str]) -> None:
    """Create or update the blocks from `variables`. Raises StackError with the output of `daybook blocks`."""
    start_blocks(stack, variables).wait()


def deploy(stack: LocalStack, *names: str) -> None:
    """Create or update these deployments of prefect.yaml. Raises StackError with Prefect's output."""
    chosen = [part for name in names for part in ("--name", name)]
    _start(stack, "deploy-first", ["-m", "prefect", "--no-prompt", "deploy", *chosen], {}).wait()


def start_deploying_all(stack: LocalStack) -> Running:
    """Start to create or update every deployment of prefect.yaml."""
    return _start(stack, "deploy", ["-m", "prefect", "--no-prompt", "deploy", "--all"], {})


def make_automations(stack: LocalStack) -> None:
    """Create or update the automations, once everything is deployed. Raises StackError with the command's output."""
    _start(stack, "automations", ["-m", "daybook", "automations"], {}).wait()


def _start(stack: LocalStack, name: str, arguments: list[str], variables: dict[str, str]) -> Running:
    log: Path = stack.home / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=stack.root,
            env=stack.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=files.enter_context(log.open("w")),
            stderr=subprocess.STDOUT,
        )
    return Running(arguments, log, process)
