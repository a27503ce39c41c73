"""A real Prefect server for the tests, one a session: the fixture `prefect_server`."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a Prefect server with a database of its own, and yield its API's URL.

    Flows that are called in the tests' process use it by themselves. A subprocess finds it through the environment:
    `PREFECT_API_URL` and a `PREFECT_HOME` of its own are set for the session.
    """
    with pytest.MonkeyPatch.context() as patch:
        home: Path = tmp_path_factory.mktemp("prefect")
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")  # its telemetry locks the SQLite database
        patch.setenv("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")  # tasks that are called outside a flow
        for variable in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
            patch.delenv(variable, raising=False)

        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
        from prefect.testing.utilities import prefect_test_harness

        with temporary_settings({PREFECT_HOME: home}), prefect_test_harness(server_startup_timeout=120):
            address = str(PREFECT_API_URL.value())
            patch.setenv("PREFECT_API_URL", address)
            yield address
