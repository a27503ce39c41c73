"""The marker `servers`: a test that uses a server, or starts any other process, gets it by its fixtures' names.

A test that starts a process itself is marked by hand. A test without the marker runs in pytest's process alone, which
`make test-fast` relies on. The stand-ins for Yahoo, Google, Slack, SMTP and web servers are threads of that process on
the loopback interface and start in milliseconds, so a test that uses only those does without the marker.
"""

import re
import sys
from typing import Any

import pytest

#: The fixtures that start a process, and those that ask for one of these by a name that they get as a parameter.
SERVER_FIXTURES = frozenset(
    {
        *("mariadb", "postgres", "redshift", "redshift_serializable", "s3"),
        *("migrated_database", "stack", "prefect_server", "preloaded_python"),
        *("mariadb_source", "postgres_source"),
    }
)


class _Guard:
    """Fails a test that starts a process although it does not have the marker."""

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
    """Return True if the test uses a fixture of SERVER_FIXTURES, or has a parameter with such a name in it."""
    parameters = getattr(item, "callspec", None)
    named = parameters.params.values() if parameters else ()
    words = {word for value in named if isinstance(value, str) and len(value) < 40 for word in re.split("-", value)}
    return not SERVER_FIXTURES.isdisjoint(words.union(getattr(item, "fixturenames", ())))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests before `-m` selects among them."""
    for item in items:
        if needs_servers(item):
            item.add_marker("servers")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let only a marked test start processes."""
    _guard.test = None if item.get_closest_marker("servers") else item.nodeid


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Session fixtures may start what they like to end."""
    _guard.test = None
