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

MYSQL = ["mariadb", "mysql"]
POSTGRESQL = ["postgres", "postgres_debian"]
#: The servers that tests read from. `pairwise.py` lets the servers of one kind alternate in `make test`.
SOURCES = [*MYSQL, *POSTGRESQL]
WAREHOUSES = ["postgres-folder", "postgres-s3", "redshift-s3"]
#: With the warehouse that only the tests have, for behaviour that does not depend on PostgreSQL's dialect.
EVERY_WAREHOUSE = [*WAREHOUSES, "duckdb-folder"]


@contextlib.contextmanager
def source_database(server: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Yield a new, empty source database on a server in `SOURCES`."""
    running = request.getfixturevalue(server)
    with running.database() as url:
        database = Database(url, url.rsplit("/", 1)[1] if server in MYSQL else "public")
        yield database
        database.close()


@contextlib.contextmanager
def ends_of(source: Database | None, kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Endpoints]:
    """Yield `source` with a new, empty warehouse and stage of a kind in `EVERY_WAREHOUSE`."""
    place, _, stage_kind = kind.partition("-")
    with contextlib.ExitStack() as stack:
        server = request.getfixturevalue(place)
        if place == "duckdb":
            destination = server(folder)
        elif isinstance(server, Redshift):
            destination = Database(server.url, stack.enter_context(server.schema()))
        else:
            destination = Database(stack.enter_context(server.database()), "raw")
        stack.callback(destination.close)
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
    """Yield each source in turn."""
    with source_database(request.param, request) as database:
        yield database


@pytest.fixture(params=WAREHOUSES)
def ends(source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield each source with each warehouse."""
    with ends_of(source, request.param, request, tmp_path) as both:
        yield both


@pytest.fixture(params=MYSQL)
def mysql_source(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Yield a database of MariaDB, then of Oracle's MySQL."""
    with source_database(request.param, request) as database:
        yield database


@pytest.fixture(params=POSTGRESQL)
def postgres_source(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Yield a database of each version of PostgreSQL."""
    with source_database(request.param, request) as database:
        yield database


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def from_mysql(mysql_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield MySQL with PostgreSQL and with Redshift, for tests that do not depend on the source or the stage."""
    with ends_of(mysql_source, request.param, request, tmp_path) as both:
        yield both


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def from_postgres(postgres_source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield PostgreSQL with PostgreSQL and with Redshift."""
    with ends_of(postgres_source, request.param, request, tmp_path) as both:
        yield both


@pytest.fixture(params=["postgres-folder", "redshift-s3"])
def warehouse_ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield PostgreSQL and Redshift, for sources that are not databases. `ends.keys = …` sets the connections."""
    with ends_of(None, request.param, request, tmp_path) as both:
        yield both
