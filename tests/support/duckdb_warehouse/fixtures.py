"""The fixture that installs the DuckDB warehouse, as pip would install a package with one."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.duckdb_warehouse.database import DuckDBDatabase

INSTALLED = Path(__file__).parent / "installed"


@pytest.fixture
def duckdb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], DuckDBDatabase]]:
    """Yield a function that creates an empty DuckDB in a folder. Daybook finds its entry point during the test."""
    monkeypatch.syspath_prepend(INSTALLED)
    with contextlib.ExitStack() as stack:

        def new(folder: Path) -> DuckDBDatabase:
            database = DuckDBDatabase(folder, "raw")
            stack.enter_context(database.connection())  # or each session would open and close the file
            return database

        yield new
