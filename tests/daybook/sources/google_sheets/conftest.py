"""Sheets are loaded into three warehouses: into DuckDB without any server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of


@pytest.fixture(params=["duckdb-folder", "postgres-folder", "redshift-s3"])
def warehouse_ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """DuckDB, PostgreSQL and Redshift. `ends.keys = …` opens what a source needs keys for."""
    with ends_of(None, request.param, request, tmp_path) as both:
        yield both
