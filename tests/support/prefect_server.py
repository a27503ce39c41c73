"""A real Prefect server, one per session: the fixtures `stack` and `prefect_server`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.orchestration.local_stack.environment import api_url
from daybook.orchestration.local_stack.stack import LocalStack
from tests.support.prefect_databases import give_database, running
from tests.support.project_copy import copy_project
from tests.support.quick_stack import QUICK, QuickStack, one_certificate


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """Yield the local stack in a copy of the project. Its server runs; the fixture `deployed` starts its worker."""
    stack = QuickStack(copy_project(tmp_path_factory.mktemp("stack") / "a clone"))
    some_are_deployed = any("deployed" in getattr(item, "fixturenames", ()) for item in request.session.items)
    give_database(stack, request.getfixturevalue("deployed_database" if some_are_deployed else "migrated_database"))
    with running(stack):
        yield stack


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
        quick = QUICK | {"PREFECT_API_SSL_CERT_FILE": one_certificate(home)}
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
