"""Fixtures for every test."""

import os
import signal

import pytest

pytest_plugins = [
    "tests.project",
    "tests.prefect_server",
    "tests.servers.mariadb",
    "tests.servers.postgres",
    "tests.servers.s3",
    "tests.servers.redshift",
    "tests.servers.yahoo",
    "tests.servers.google",
    "tests.servers.web",
    "tests.servers.slack",
    "tests.servers.mail",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, so that those who share the tests among them end at about the same time."""
    items.sort(key=lambda item: (item.path.name != "test_week.py", "flows" not in item.path.parts))


# A polite end (CI's time limit, `kill`) tears the servers down as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# The tests start the project's copies in hundreds of processes, each of which would compile them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
