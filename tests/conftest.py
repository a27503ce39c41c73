"""Fixtures for every test."""

import signal

import pytest

pytest_plugins = [
    "tests.prefect_server",
    "tests.project",
    "tests.servers.mariadb",
    "tests.servers.postgres",
    "tests.servers.s3",
    "tests.servers.redshift",
    "tests.servers.yahoo",
    "tests.servers.google",
    "tests.servers.web",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests: a file stays together, and so do all that need the deployed stack, of
    which there is to be one. What takes longest comes first, so that all of them end at about the same time."""
    stacked = {item.path for item in items if "deployed" in item.fixturenames}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("stack" if item.path in stacked else str(item.path)))
    items.sort(key=lambda item: (item.path not in stacked, "flows" not in item.path.parts))


# A polite end (CI's time limit, `kill`) tears the servers down as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)
