"""Fail a test of the library that reads the example project: a company removes it, and the library still works.

The guard covers what a test reads in pytest's process. The tests of a worker run in a project without the examples
(tests/support/project_copy.py).
"""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: The tests that need no example. The others may test the examples.
LIBRARY_TESTS = ("tests/daybook/", "tests/integration/")
_TABLES = f"{ROOT / 'tables'}{os.sep}"


def is_example(path: str) -> bool:
    """Return True if `path` is below `tables/` of this checkout, which has the examples and the generated schemas."""
    found = os.path.abspath(path)
    return found.startswith(_TABLES) and not found.endswith("schema.json")


class Guard:
    """Fail a test that opens or lists an example."""

    test: str | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.test is None or event not in ("open", "os.scandir", "os.listdir"):
            return
        path = arguments[0]
        if isinstance(path, str | os.PathLike) and is_example(os.fspath(path)):
            pytest.fail(
                f"{self.test} reads {path}, which is an example: use the fixture `small_project`, or write a project "
                "of the test's own"
            )


guard = Guard()
sys.addaudithook(guard)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Guard the tests of the library."""
    guard.test = item.nodeid if item.nodeid.startswith(LIBRARY_TESTS) else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Guard no more."""
    guard.test = None
