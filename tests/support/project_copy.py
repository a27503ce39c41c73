"""A project of the tests' own, in which the local stack's server and worker run: the library, and no example."""

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
from tests.support.small_project import DEPLOYMENTS, FILES, write_project

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

ROOT = Path(__file__).parents[2]
#: The flows of the example project. The small project has a flow `nps` of its own.
EXAMPLE_FLOWS = ("nps.py", "stock_symbols.py")
_ENTRY = re.compile(r"(?m)^(?=  - name: )")
_OF_A_TABLE = re.compile(r"(?m)^    tags: \[.*\.")

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
    """Write the small project, the table file raw_data.visits and what a worker needs to `folder`, and return it."""
    for name in ("blocks", "daybook", "flows"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", *EXAMPLE_FLOWS))
    shutil.copy(ROOT / "tests" / "support" / "nps_flow.py", folder / "flows" / "nps.py")
    write_project(folder, FILES | {"raw_data/visits.yaml": VISITS})
    before, _, entries = (ROOT / "prefect.yaml").read_text(encoding="utf-8").partition("deployments:\n")
    kept = [entry for entry in _ENTRY.split(entries) if not _OF_A_TABLE.search(entry)]
    write_deployments(folder, f"{before}deployments:\n{DEPLOYMENTS}{''.join(kept)}")
    return folder


def add_examples(folder: Path) -> None:
    """Add the tables, flows and deployments of the example project to a copy. They replace those of the same name."""
    shutil.copytree(ROOT / "tables", folder / "tables", dirs_exist_ok=True)
    for name in EXAMPLE_FLOWS:
        shutil.copy(ROOT / "flows" / name, folder / "flows")
    write_deployments(folder, (ROOT / "prefect.yaml").read_text(encoding="utf-8"))


def write_deployments(folder: Path, text: str) -> None:
    """Write prefect.yaml without its triggers and schedules: only runs of a test start, even at a schedule's hour."""
    text = re.sub(r"(?m)^      - type: event\n", r"\g<0>        enabled: false\n", text)
    text = re.sub(r"(?m)^(      - \{slug: (?!.*active: false).*)\}", r"\g<1>, active: false}", text)
    (folder / "prefect.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the library in a project that has the tables of the small project, and raw_data.visits."""
    return copy_project(tmp_path_factory.mktemp("project") / "a clone")


@dataclass(frozen=True)
class Deployed:
    """The session's server and worker in the tests' project, with every deployment of its prefect.yaml."""

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
