"""The fixture that installs the DuckDB warehouse, as pip would install a package that brings one."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.duckdb_warehouse.database import DuckDBDatabase

INSTALLED = Path(__file__).parent / "installed"


@pytest.fixture
def duckdb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], DuckDBDatabase]]:
    """A function that makes a new, empty DuckDB in a folder, for a test in which its entry point is found."""
    monkeypatch.syspath_prepend(INSTALLED)
    with contextlib.ExitStack() as stack:

        def new(folder: Path) -> DuckDBDatabase:
            database = DuckDBDatabase(folder, "raw")
            stack.enter_context(database.connection())  # else each session opens the file again, and closes it
            return database

        yield new
