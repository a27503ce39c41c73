"""The marker `servers` for tests that use a server or start any other process. It is set by the names of fixtures.

A test that starts a process itself is marked by hand. A test without the marker runs only in pytest's process, and
`make test-fast` relies on that. The fakes for Yahoo, Google, Slack, SMTP and web servers are threads of that process on
the loopback interface and start in milliseconds, so a test that uses only those does not need the marker.
"""

import re
import sys
from typing import Any

import pytest

#: The fixtures that start a process, and those that request such a fixture by a name in their parameter.
SERVER_FIXTURES = frozenset(
    {
        *("mariadb", "mysql", "postgres", "postgres_debian", "redshift", "redshift_serializable", "s3"),
        *("migrated_database", "deployed_database", "stack", "prefect_server", "preloaded_python"),
        *("mysql_source", "postgres_source"),
    }
)


class _Guard:
    """Fail a test that starts a process without the marker."""

    test: str | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.test is not None and event == "subprocess.Popen":
            pytest.fail(
                f"{self.test} starts {arguments[1]} without the marker `servers`: mark the test, or add the fixture "
                "that starts it to SERVER_FIXTURES in tests/support/server_marker.py"
            )


_guard = _Guard()
sys.addaudithook(_guard)


def needs_servers(item: pytest.Item) -> bool:
    """Return True if the test uses a fixture of SERVER_FIXTURES, or has a parameter that contains such a name."""
    parameters = getattr(item, "callspec", None)
    named = parameters.params.values() if parameters else ()
    words = {word for value in named if isinstance(value, str) and len(value) < 40 for word in re.split("-", value)}
    return not SERVER_FIXTURES.isdisjoint(words.union(getattr(item, "fixturenames", ())))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests before `-m` selects them."""
    for item in items:
        if needs_servers(item):
            item.add_marker("servers")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Allow only marked tests to start processes."""
    _guard.test = None if item.get_closest_marker("servers") else item.nodeid


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Allow all processes again: session fixtures may start some during their teardown."""
    _guard.test = None
