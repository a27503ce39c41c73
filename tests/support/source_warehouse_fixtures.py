"""Fixtures of the core's tests: the sources, the warehouses with their stages, and both together."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from daybook.stage.folder import FolderStage
from daybook.stage.s3 import S3Stage
from tests.support.servers.redshift import Redshift
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Database, Endpoints, warehouse_of

SOURCES = ["mariadb", "postgres"]
WAREHOUSES = ["postgres-folder", "postgres-s3", "redshift-s3"]
#: With the one that only the tests know, for what has nothing to do with PostgreSQL's words.
EVERY_WAREHOUSE = [*WAREHOUSES, "duckdb-folder"]


@contextlib.contextmanager
def source_database(kind: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A new, empty database of a source, of the kind that `SOURCES` names."""
    server = request.getfixturevalue(kind)
    with server.database() as url:
        yield Database(url, url.rsplit("/", 1)[1] if kind == "mariadb" else "public")


@contextlib.contextmanager
def ends_of(source: Database | None, kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Endpoints]:
    """`source` with a new, empty warehouse and stage, of the kind that `WAREHOUSES` names."""
    place, _, stage_kind = kind.partition("-")
    with contextlib.ExitStack() as stack:
        server = request.getfixturevalue(place)
        if place == "duckdb":
            destination = server(folder)
        elif isinstance(server, Redshift):
            destination = Database(server.url, stack.enter_context(server.schema()))
        else:
            destination = Database(stack.enter_context(server.database()), "raw")
        warehouse = warehouse_of(destination)
        if stage_kind == "folder":
            stage_folder = folder / "stage"

            def files() -> list[str]:
                return sorted(path.name for path in stage_folder.rglob("*") if path.is_file())

            yield Endpoints(source, destination, warehouse, FolderStage(stage_folder), files)
        else:
            s3: S3 = request.getfixturevalue("s3")
            prefix = f"test-{secrets.token_hex(6)}"
            stage = S3Stage(s3.client(), s3.bucket, prefix)
            yield Endpoints(source, destination, warehouse, stage, lambda: s3.keys(s3.bucket, prefix + "/"))


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Each source in turn."""
    with source_database(request.param, request) as database:
        yield database


@pytest.fixture(params=WAREHOUSES)
def ends(source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Each source with each warehouse."""
    with ends_of(source, request.param, request, tmp_path) as both:
        yield both


@pytest.fixture
def mariadb_source(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A MariaDB database."""
    with source_database("mariadb", request) as database:
        yield database


@pytest.fixture
def postgres_source(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A PostgreSQL database."""
    with source_database("postgres", request) as database:
        yield database


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def from_mariadb(mariadb_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """MariaDB with PostgreSQL and with Redshift, where nothing depends on the source or on the stage."""
    with ends_of(mariadb_source, request.param, request, tmp_path) as both:
        yield both


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def from_postgres(postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """PostgreSQL with PostgreSQL and with Redshift."""
    with ends_of(postgres_source, request.param, request, tmp_path) as both:
        yield both


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def warehouse_ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """PostgreSQL and Redshift, for sources that are no database. `ends.keys = …` opens what a source needs keys for."""
    with ends_of(None, request.param, request, tmp_path) as both:
        yield both
