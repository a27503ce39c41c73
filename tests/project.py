"""The project in another place: a copy of it, and the local stack's server and worker in there."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from deployments.local.deploy import deploy_all
from deployments.local.environment import api_url
from deployments.local.processes import marked_processes
from deployments.local.stack import LocalStack
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

ROOT = Path(__file__).parents[1]
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
    # What is triggered by any commit is off, and so is the monitor: no test's load shall start a run besides its own.
    text = re.sub(r"(?m)^      - type: event\n", r"\g<0>        enabled: false\n", text)
    text = re.sub(r"(?m)^(      - \{slug: quarter-hourly, .*)\}", r"\g<1>, active: false}", text)
    deployments.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the table raw_data.visits."""
    return copy_project(tmp_path_factory.mktemp("project") / "a clone")


@dataclass(frozen=True)
class Deployed:
    """The local stack's server and worker, in a copy of the project, with every deployment of prefect.yaml on it."""

    stack: LocalStack
    client: "SyncPrefectClient"

    def make_blocks(self, variables: dict[str, str]) -> None:
        """What `python -m blocks` does with these variables, in this process, whose start is spared."""
        from blocks import environment
        from blocks.save import save

        with self.from_here():
            list(save(environment.read(variables)))

    @contextlib.contextmanager
    def from_here(self) -> Iterator[None]:
        """What this process asks of Prefect within the block, it asks of this server."""
        from prefect.events.worker import EventsWorker
        from prefect.settings import PREFECT_API_URL, temporary_settings

        with temporary_settings({PREFECT_API_URL: api_url(self.stack.ui_port)}):
            # The thread that sends events stays with the server of its first one: each server gets one of its own.
            EventsWorker.drain_all(at_exit=False)
            try:
                yield
            finally:
                EventsWorker.drain_all(at_exit=False)

    def deploy_all(self) -> None:
        """`prefect deploy --all`, in the copy."""
        deploy_all(self.stack)


def kill(stack: LocalStack) -> None:
    """End a stack that nobody needs any more, without the seconds that its parts take to end politely."""
    for process in marked_processes(stack.home):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    stack.stop()


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The session's server and process worker, with every deployment of prefect.yaml."""
    from prefect.client.orchestration import SyncPrefectClient

    from deployments.local.runs import wait_for_work_pool  # it imports Prefect, which most tests do without

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYBOOK_UI_PORT", str(free_port()))
        stack = LocalStack(copy_project(tmp_path_factory.mktemp("deployed") / "a clone"))
        try:
            stack.start_server()
            stack.wait_for_server()
            stack.start_worker()
            with SyncPrefectClient(api=api_url(stack.ui_port)) as client:
                wait_for_work_pool(stack, client)
                deploy_all(stack)
                yield Deployed(stack, client)
        finally:
            kill(stack)
