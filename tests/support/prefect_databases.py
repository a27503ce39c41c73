"""Databases of Prefect's server, made once for all pytest processes: with a copy, a server is ready in seconds."""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.stack import WORK_POOL, LocalStack
from tests.support.preloaded import write_job_template
from tests.support.project_copy import copy_project, deploy, kill
from tests.support.quick_stack import QuickStack
from tests.support.servers.ports import free_port

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a new server. It has the types of blocks that Prefect registers, and nothing else."""
    with _shared(tmp_path_factory, "migrated") as folder:
        file = folder / "prefect.db"
        if not file.exists():
            with running(LocalStack(folder / "a clone")) as stack:
                _save(stack, file)
    return file


@pytest.fixture(scope="session")
def deployed_database(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path, preloaded_python: str) -> Path:
    """Return the database of a server with the work pool and every deployment of prefect.yaml, without automations."""
    from prefect.client.orchestration import SyncPrefectClient  # slow, and most tests do not need it
    from prefect.client.schemas.actions import WorkPoolCreate

    with _shared(tmp_path_factory, "deployed") as folder:
        file = folder / "prefect.db"
        if not file.exists():
            stack = QuickStack(copy_project(folder / "a clone"))
            give_database(stack, migrated_database)
            with running(stack), SyncPrefectClient(api=api_url(stack.ui_port)) as client:
                client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process"))
                deploy(stack, preloaded_python, "--all")
                for automation in client.read_automations():
                    client.delete_automation(automation.id)  # made by the deployments; the tests create their own
                _save(stack, file)
    return file


def give_database(stack: LocalStack, database: Path) -> None:
    """Give the stack's server a copy of a database, with its deployments in the stack's folder."""
    stack.check_home()
    shutil.copy(database, stack.home / "prefect" / "prefect.db")
    folders = json.dumps(str(database.parent / "a clone")), json.dumps(str(stack.root))
    with contextlib.closing(sqlite3.connect(stack.home / "prefect" / "prefect.db")) as connection, connection:
        connection.execute("UPDATE deployment SET pull_steps = replace(pull_steps, ?, ?)", folders)


def give_job_template(client: "SyncPrefectClient", preloaded_python: str, folder: Path) -> None:
    """Let the runs of the work pool be forks of the process at the address `preloaded_python`."""
    from prefect.client.schemas.actions import WorkPoolUpdate

    template = json.loads(write_job_template(preloaded_python, folder).read_text(encoding="utf-8"))
    client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=template))


@contextlib.contextmanager
def running(stack: LocalStack) -> Iterator[LocalStack]:
    """Start the stack's server on a free port, and kill it when the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYBOOK_UI_PORT", str(free_port()))
        assert stack.ui_port  # the stack remembers the port
    try:
        stack.start_server()
        stack.wait_for_server()
        yield stack
    finally:
        kill(stack)


def _save(stack: LocalStack, file: Path) -> None:
    """Copy the database of a running server to `file`."""
    copy = file.with_suffix(".part")
    with (
        contextlib.closing(sqlite3.connect(stack.home / "prefect" / "prefect.db")) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    copy.rename(file)


@contextlib.contextmanager
def _shared(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """Yield a folder that all pytest processes share. Only one of them at a time is inside of the block."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / name
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
