"""The project in another place: a copy of it, and the local stack's server and worker in there."""

import contextlib
import re
import shutil
import subprocess
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

#: A table of the tests' own: nothing tells two of its rows apart, so that what is loaded twice is seen.
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
    """Copy to `folder` what a worker needs, with the table file raw_data.visits added. Returns `folder`."""
    for name in WHAT_A_WORKER_NEEDS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
    (folder / "tables" / "raw_data" / "visits.yaml").write_text(VISITS, encoding="utf-8")
    deployments = folder / "prefect.yaml"
    text = deployments.read_text(encoding="utf-8")
    # Triggers and schedules are off: no run starts beside those of a test, not even at the hour of a schedule.
    text = re.sub(r"(?m)^      - type: event\n", r"\g<0>        enabled: false\n", text)
    text = re.sub(r"(?m)^(      - \{slug: (?!.*active: false).*)\}", r"\g<1>, active: false}", text)
    deployments.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the table raw_data.visits."""
    return copy_project(tmp_path_factory.mktemp("project") / "a clone")


@dataclass(frozen=True)
class Deployed:
    """The session's server with a worker, in a copy of the project, with every deployment of prefect.yaml on it."""

    stack: LocalStack
    client: "SyncPrefectClient"
    preloaded_python: str

    def make_blocks(self, variables: dict[str, str]) -> None:
        """What `python -m blocks` does with these variables, in this process, whose start is spared."""
        make_blocks(variables)

    def deploy(self, *arguments: str) -> None:
        """`prefect deploy` with these arguments, in the copy."""
        deploy(self.stack, self.preloaded_python, *arguments)


def deploy(stack: LocalStack, preloaded_python: str, *arguments: str) -> None:
    """`prefect deploy` with these arguments, in the stack's folder. All that is said of it is in the test's output."""
    deploys = command(preloaded_python, "prefect", "--no-prompt", "deploy", *arguments)
    subprocess.run(deploys, cwd=stack.root, env=stack.environment, check=True)


def kill(stack: LocalStack, part: str | None = None) -> None:
    """End a stack (or a part of it) that nobody needs any more, without the seconds that a polite end takes."""
    for process in marked_processes(stack.home, part):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if part is None:
        stack.stop()
