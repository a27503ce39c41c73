"""Copy the project, and run the local stack's server and worker in the copy."""

import contextlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from daybook.orchestration.local_stack.processes import marked_processes
from daybook.orchestration.local_stack.stack import LocalStack
from tests.support.declared_blocks import make_blocks
from tests.support.preloaded import command

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

ROOT = Path(__file__).parents[2]
WHAT_A_WORKER_NEEDS = ("blocks", "daybook", "flows", "tables", "prefect.yaml")

#: A table for tests. It has no key, so rows that are loaded twice are visible.
VISITS = """\
description: One visit a row; two at the same instant are two rows.
owner: tests
source: {kind: database, block: production, table: prod.visits}
cursor: created_at
interval: day
start: 2021-02-05
load: replace_interval
"""


def copy_project(folder: Path) -> Path:
    """Copy the files that a worker needs to `folder`, add the table file raw_data.visits, and return `folder`."""
    for name in WHAT_A_WORKER_NEEDS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():  # without the examples there is no folder `tables`
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
    (folder / "tables" / "raw_data").mkdir(parents=True, exist_ok=True)
    (folder / "tables" / "raw_data" / "visits.yaml").write_text(VISITS, encoding="utf-8")
    deployments = folder / "prefect.yaml"
    text = deployments.read_text(encoding="utf-8")
    # Turn triggers and schedules off: only the runs of a test may start, even at the hour of a schedule.
    text = re.sub(r"(?m)^      - type: event\n", r"\g<0>        enabled: false\n", text)
    text = re.sub(r"(?m)^(      - \{slug: (?!.*active: false).*)\}", r"\g<1>, active: false}", text)
    deployments.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project, with the table raw_data.visits."""
    return copy_project(tmp_path_factory.mktemp("project") / "a clone")


@dataclass(frozen=True)
class Deployed:
    """The session's server and worker in a copy of the project, with every deployment of prefect.yaml."""

    stack: LocalStack
    client: "SyncPrefectClient"
    preloaded_python: str

    def make_blocks(self, variables: dict[str, str]) -> None:
        """Save the blocks of these variables as `python -m blocks` does, but in this process, to save time."""
        make_blocks(variables)

    def deploy(self, *arguments: str) -> None:
        """Run `prefect deploy` with these arguments in the copy."""
        deploy(self.stack, self.preloaded_python, *arguments)


def deploy(stack: LocalStack, preloaded_python: str, *arguments: str) -> None:
    """Run `prefect deploy` with these arguments in the stack's folder. Its output is in the test's output."""
    deploys = command(preloaded_python, "prefect", "--no-prompt", "deploy", *arguments)
    subprocess.run(deploys, cwd=stack.root, env=stack.environment, check=True)


def run_in(stack: LocalStack, *arguments: str, **variables: str) -> None:
    """Run `python -m ARGUMENT …` in the stack's folder, with its environment and these variables."""
    subprocess.run([sys.executable, "-m", *arguments], cwd=stack.root, env=stack.environment | variables, check=True)


def kill(stack: LocalStack, part: str | None = None) -> None:
    """Kill a stack, or a part of it, that is no longer needed: a graceful stop takes seconds."""
    for process in marked_processes(stack.home, part):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if part is None:
        stack.stop()
