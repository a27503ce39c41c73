"""A loader who may create tables in its schemas, but no schemas."""

import dataclasses
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.errors import LoadFailed
from daybook.warehouses.registry import open_warehouse
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

KEYED = {"load": "upsert", "key": ["id"], "cursor": "at", "interval": "day", "start": "2021-01-01"}

pytestmark = pytest.mark.servers


@pytest.fixture
def postgres_ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield a PostgreSQL with a table `things`, and an empty PostgreSQL as the warehouse."""
    with source_database("postgres", request) as source, ends_of(source, "postgres-folder", request, tmp_path) as ends:
        source.run("CREATE TABLE things (id int PRIMARY KEY, name text, at timestamp NOT NULL)")
        source.insert("things", [(1, "one", "2021-02-05 01:00")])
        yield ends


def as_loader(ends: Endpoints, user: str) -> Endpoints:
    """Return the same ends, with the warehouse opened by `user`."""
    url = make_url(ends.destination.url).set(username=user, password="x")
    return dataclasses.replace(ends, warehouse=open_warehouse(create_engine(url, poolclass=NullPool)))


def test_a_loader_that_owns_its_schemas_needs_no_create_in_the_database(postgres_ends: Endpoints) -> None:
    ends = postgres_ends
    user = f"loader_{secrets.token_hex(4)}"
    ends.destination.run(f"CREATE ROLE {user} LOGIN PASSWORD 'x'")
    theirs, table = as_loader(ends, user), ends.table(**KEYED)
    schema = table.name.partition(".")[0]
    try:
        with pytest.raises(LoadFailed, match=f"GRANT CREATE ON DATABASE .* TO {user}"):
            theirs.load(table, "2021-02-05")

        for name in {schema, "daybook"}:
            ends.destination.run(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            ends.destination.run(f"CREATE SCHEMA {name} AUTHORIZATION {user}")
        theirs.load(table, "2021-02-05")
        assert ends.destination.run(f"SELECT id FROM {table.name}") == [(1,)]

        ends.destination.run(f"DROP TABLE {table.name}")
        ends.destination.run(f"ALTER SCHEMA {schema} OWNER TO CURRENT_USER")
        ends.destination.run(f"GRANT USAGE ON SCHEMA {schema} TO {user}")
        ends.destination.run("DELETE FROM daybook.ledger")
        with pytest.raises(LoadFailed, match=f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {user}"):
            theirs.load(table, "2021-02-05")
    finally:
        ends.destination.run(f"DROP OWNED BY {user} CASCADE")
        ends.destination.run(f"DROP ROLE {user}")
