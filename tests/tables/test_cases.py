"""Every case of every summary, tests/tables/<schema>/<table>/*.yaml, on PostgreSQL and on Redshift."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.definitions.summary_files import read_summary, summary_names
from daybook.summaries.parse.lineage import read
from daybook.summaries.testing.cases import cases_folder, read_case, run_case
from daybook.summaries.testing.fixtures import declared_types
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session
from tests.support.source_and_warehouse import Database, warehouse_of

FILES = sorted(cases_folder().glob("*/*/*.yaml"))


@pytest.fixture(scope="module", params=["postgres", "redshift"])
def opened(request: pytest.FixtureRequest) -> Iterator[tuple[Warehouse, Session]]:
    """A warehouse with nothing in it, and one session for all cases: each takes back what it does."""
    server = request.getfixturevalue(request.param)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(server.database()) if request.param == "postgres" else server.url
        warehouse = warehouse_of(Database(url, ""))
        yield warehouse, stack.enter_context(warehouse.session())


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_summary_makes_of_the_rows_what_is_expected(opened: tuple[Warehouse, Session], file: Path) -> None:
    warehouse, session = opened
    lineage = read(read_summary(summary_of(file)), warehouse.sqlglot_dialect)
    told = run_case(warehouse, session, lineage, read_case(file), declared_types(lineage.inputs))
    assert told is None, told


def test_every_summary_has_a_case() -> None:
    assert set(summary_names()) == {summary_of(file) for file in FILES}


def summary_of(file: Path) -> str:
    return f"{file.parent.parent.name}.{file.parent.name}"
