"""A real Prefect server, one per session: the fixtures `stack` and `prefect_server`."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.processes import marked_processes
from daybook.orchestration.local_stack.stack import LocalStack
from tests.support.prefect_databases import give_database, running
from tests.support.project_copy import copy_project
from tests.support.quick_stack import QUICK, QuickStack, one_certificate

#: The session's stack, and whether its processes are paused.
_STACK = pytest.StashKey[LocalStack]()
_PAUSED = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Pause the session's server and worker during tests that do not use them: idle, they take a tenth of a core."""
    _pause(item.session, "stack" not in getattr(item, "fixturenames", ()))


def _pause(session: pytest.Session, pause: bool) -> None:
    stack = session.stash.get(_STACK, None)
    if stack and session.stash.get(_PAUSED, False) is not pause:
        for process in marked_processes(stack.home):
            process.send_signal(signal.SIGSTOP if pause else signal.SIGCONT)
        session.stash[_PAUSED] = pause


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """Yield the local stack in a copy of the project. Its server runs; the fixture `deployed` starts its worker."""
    stack = QuickStack(copy_project(tmp_path_factory.mktemp("stack") / "a clone"))
    some_are_deployed = any("deployed" in getattr(item, "fixturenames", ()) for item in request.session.items)
    give_database(stack, request.getfixturevalue("deployed_database" if some_are_deployed else "migrated_database"))
    with running(stack):
        request.session.stash[_STACK] = stack
        yield stack
        del request.session.stash[_STACK]


@pytest.fixture(scope="session")
def prefect_server(
    stack: LocalStack, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
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
        quick = QUICK | {"PREFECT_API_SSL_CERT_FILE": one_certificate(home)}
        for variable, value in quick.items():
            patch.setenv(variable, value)

        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogWorker
        from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_URL, PREFECT_HOME, temporary_settings

        settings = {PREFECT_HOME: home, PREFECT_API_URL: address}
        with temporary_settings(settings | {PREFECT_API_SSL_CERT_FILE: quick["PREFECT_API_SSL_CERT_FILE"]}):
            yield address
            _pause(request.session, False)
            for sender in (EventsWorker, APILogWorker):  # or they would retry for minutes at exit
                sender.drain_all(at_exit=False)
