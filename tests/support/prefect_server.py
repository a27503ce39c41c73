"""A real Prefect server, one per session: the fixtures `stack`, `prefect_server` and `migrated_database`."""

import fcntl
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

from daybook.orchestration.local_stack.environment import api_url, prefect_environment
from daybook.orchestration.local_stack.stack import LocalStack
from tests.support.project_copy import copy_project, kill
from tests.support.servers.ports import free_port


class QuickStack(LocalStack):
    """The local stack. Its clients do not spend half of their CPU time on what plain HTTP on loopback does not need."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of all processes in the stack."""
        return super().environment | QUICK | {"PREFECT_API_SSL_CERT_FILE": str(one_certificate(self.home / "tmp"))}


#: No requests for a token that this server does not use, and for the version of a server that is always the same.
QUICK = {"PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false", "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false"}


@functools.cache
def one_certificate(folder: Path) -> Path:
    """Write a file with one of the certificates that Prefect trusts. It reads the file for each client, in 45 ms."""
    file = folder / "certificate.pem"
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(first + end, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty database file of Prefect's server. With a copy of it, a server starts in half the CPU time."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # shared by all pytest processes: the first one creates it, and the others wait
    home = shared / "migrated"
    file = home / "prefect" / "prefect.db"
    home.mkdir(exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            file.parent.mkdir()
            command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
            subprocess.run(command, env=prefect_environment(home, 0), check=True, stdout=subprocess.DEVNULL)
    return file


def give_database(stack: LocalStack, migrated: Path) -> None:
    """Give the stack's server a copy of a migrated database, so that it does not have to create one."""
    stack.check_home()
    shutil.copy(migrated, stack.home / "prefect")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[LocalStack]:
    """Yield the local stack in a copy of the project. Its server runs; the fixture `deployed` starts its worker."""
    stack = QuickStack(copy_project(tmp_path_factory.mktemp("stack") / "a clone"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYBOOK_UI_PORT", str(free_port()))
        assert stack.ui_port  # the stack remembers the port
    try:
        give_database(stack, migrated_database)
        stack.start_server()
        stack.wait_for_server()
        yield stack
    finally:
        kill(stack)


@pytest.fixture(scope="session")
def prefect_server(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Let the whole session use the stack's server, and yield the URL of its API.

    Flows that are called in the tests' process use it directly. A subprocess finds it through the environment:
    `PREFECT_API_URL` and a separate `PREFECT_HOME` are set for the session.
    """
    with pytest.MonkeyPatch.context() as patch:
        home: Path = tmp_path_factory.mktemp("prefect")
        address = api_url(stack.ui_port)
        for variable in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
            patch.delenv(variable, raising=False)
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("PREFECT_API_URL", address)
        patch.setenv("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")  # for tasks outside of a flow
        quick = QUICK | {"PREFECT_API_SSL_CERT_FILE": str(one_certificate(home))}
        for variable, value in quick.items():
            patch.setenv(variable, value)

        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker
        from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_URL, PREFECT_HOME, temporary_settings

        settings = {PREFECT_HOME: home, PREFECT_API_URL: address}
        with temporary_settings(settings | {PREFECT_API_SSL_CERT_FILE: quick["PREFECT_API_SSL_CERT_FILE"]}):
            yield address
            for sender in (EventsWorker, APILogWorker):  # or they would retry for minutes at exit
                sender.drain_all(at_exit=False)
