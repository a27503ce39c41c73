"""Redshift refuses a load: the error names what to grant or to set, nothing is lost, and nothing is half seen."""

import concurrent.futures
import contextlib
import dataclasses
import os
import re
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.errors import DaybookError, LoadFailed
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.ports import free_port
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.tls_proxy import Authority
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

KEYED = {"load": "upsert", "key": ["id"], "cursor": "at", "interval": "day", "start": "2021-01-01"}


@pytest.fixture
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield a PostgreSQL with a table `things` of two days, and an empty Redshift."""
    with source_database("postgres", request) as source, ends_of(source, "redshift-s3", request, tmp_path) as ends:
        source.run("CREATE TABLE things (id int PRIMARY KEY, name text, at timestamp NOT NULL)")
        source.insert("things", [(1, "one", "2021-02-05 01:00"), (2, "two", "2021-02-06 02:00")])
        yield ends


def as_user(ends: Endpoints, redshift: Redshift, user: str, password: str = "", **options: Any) -> Endpoints:
    """Return the same ends, seen by another user of the warehouse."""
    url = make_url(redshift.url).set(username=user, password=password)
    warehouse = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE, **options)
    return dataclasses.replace(ends, warehouse=warehouse)


def refused(ends: Endpoints, error: type[DaybookError], **fields: Any) -> str:
    """Load the second day, which must fail, and return the error. Check that the first day is still all there is."""
    table = ends.table(**KEYED, **fields)
    before = ends.state(table)
    assert len(before[0]) == 1
    with pytest.raises(error) as caught:
        ends.load(table, "2021-02-06")
    assert ends.state(table) == before
    text = str(caught.value)
    assert table.name in text and "2021-02-06" in text
    return text


def test_a_user_with_a_sha256_password_gets_both_ways_out(redshift: Redshift) -> None:
    url = make_url(redshift.url).set(username="digest", password="secret")
    warehouse = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
    with (
        redshift.estate(users={"digest": {"password": "secret", "request": 13}}),
        pytest.raises(DatabaseError, match="authentication method 13 not supported") as caught,
        warehouse.session(),
    ):
        pass
    assert "ALTER USER name PASSWORD 'md5" in caught.value.message and "?iam=true" in caught.value.message
    assert not caught.value.transient


@contextlib.contextmanager
def limited(ends: Endpoints, redshift: Redshift, *grants: str) -> Iterator[Endpoints]:
    """Yield the ends as a new user sees them who has `grants`, and USAGE of the schema."""
    user, password, run = f"u_{secrets.token_hex(4)}", "Secret123", ends.destination.run
    grants = (*grants, "USAGE ON SCHEMA {schema}", "USAGE ON SCHEMA daybook", "ALL ON ALL TABLES IN SCHEMA daybook")
    grants = tuple(grant.format(schema=ends.destination.namespace) for grant in grants)
    run(f"CREATE USER {user} PASSWORD '{password}'")
    try:
        for grant in grants:
            run(f"GRANT {grant} TO {user}")
        with redshift.estate(users={user: {"password": password, "own_role": True}}):
            few = as_user(ends, redshift, user, password)
            yield few
            with few.warehouse.session() as session:  # the tables that exclude other loads
                for (table,) in session.rows("SELECT tablename FROM pg_tables WHERE tableowner = %s", (user,)):
                    session.run(f'DROP TABLE daybook."{table}"')
    finally:
        for grant in grants:
            run(f"REVOKE {grant} FROM {user}")
        run(f"DROP USER {user}")


def test_a_user_who_may_not_create_in_the_schema(redshift: Redshift, ends: Endpoints) -> None:
    schema, source = ends.destination.namespace, ends.source
    assert source
    ends.load(ends.table(**KEYED), "2021-02-05")  # which makes daybook.ledger, too
    source.run("CREATE TABLE fresh AS SELECT * FROM things")
    fresh = ends.table("fresh", **KEYED)
    with limited(ends, redshift) as few, pytest.raises(LoadFailed) as caught:
        few.load(fresh, "2021-02-06")
    text = str(caught.value)
    assert f"{schema}.fresh 2021-02-06: load: permission denied for schema {schema}. GRANT USAGE, CREATE ON" in text
    assert re.search(rf"ON SCHEMA {schema} TO u_[0-9a-f]+$", text.split("\n")[0])
    assert (ends.destination.types(fresh.name), ends.ledger(fresh)) == ({}, [])


def test_a_user_who_may_not_write_the_table(redshift: Redshift, ends: Endpoints) -> None:
    schema = ends.destination.namespace
    ends.load(ends.table(**KEYED), "2021-02-05")
    with limited(ends, redshift, "SELECT ON TABLE {schema}.things") as few:
        text = refused(few, LoadFailed)
    assert re.search(rf"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.things TO u_[0-9a-f]+, or ALTER TABLE", text)


def test_a_cluster_that_is_paused(redshift: Redshift) -> None:
    url = make_url(redshift.url).set(port=free_port())
    warehouse = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
    with pytest.raises(DatabaseError, match="onnection refused") as caught, warehouse.session():
        pass
    assert caught.value.lost and "aws redshift resume-cluster" in caught.value.message


def test_a_cluster_that_is_being_resized_can_only_be_read(redshift: Redshift, ends: Endpoints) -> None:
    ends.load(ends.table(**KEYED), "2021-02-05")
    with redshift.estate(read_only=True):
        text = refused(ends, LoadFailed)
    assert "read-only" in text and "while it is resized: wait" in text
    assert ends.load(ends.table(**KEYED), "2021-02-06").rows == 1


def test_the_socket_probes_an_idle_connection(redshift: Redshift) -> None:
    """Load balancers of AWS drop a connection after 350 idle seconds: probes begin after 60."""

    def probes(query: str) -> list[int]:
        engine = create_engine(f"{redshift.url}{query}", poolclass=NullPool)
        with (
            open_warehouse(engine, copy_iam_role=IAM_ROLE).session() as session,
            socket.socket(fileno=os.dup(session.connection.fileno())) as its,
        ):
            names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            on = its.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            return [on, *(its.getsockopt(socket.IPPROTO_TCP, name) for name in names)]

    assert probes("") == [1, 60, 10, 5]
    assert probes("&keepalives_idle=20&keepalives_count=3") == [1, 20, 10, 3]


def test_a_load_over_tls(redshift: Redshift, ends: Endpoints, tmp_path: Path) -> None:
    authority = Authority()
    authority.context("localhost", tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    url = make_url(redshift.url).set(host="localhost", query={"sslrootcert": str(tmp_path / "ca.pem")})
    with redshift.estate(tls=str(tmp_path / "localhost.pem")):
        # Without sslmode in the URL, the dialect verifies the server's name.
        warehouse = open_warehouse(create_engine(url, poolclass=NullPool), copy_iam_role=IAM_ROLE)
        with warehouse.session() as session:
            assert session.connection.info.ssl_in_use
        assert dataclasses.replace(ends, warehouse=warehouse).load(ends.table(**KEYED), "2021-02-05").rows == 1


def silent(ends: Endpoints, redshift: Redshift) -> Endpoints:
    """Return ends whose warehouse gives up a connection after a second without a byte."""
    engine = create_engine(f"{redshift.url}&read_timeout=1", poolclass=NullPool)
    return dataclasses.replace(ends, warehouse=open_warehouse(engine, copy_iam_role=IAM_ROLE))


def test_a_connection_that_is_dropped_during_a_long_copy(
    redshift: Redshift, ends: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    """As after the 350 seconds of a load balancer, if no probe got through. The client hears of nothing."""
    table = ends.table(**KEYED)
    ends.load(table, "2021-02-05")
    slow = {"match": "^copy", "action": "delay", "seconds": 0.8}
    with redshift.faults(slow), redshift.estate(black_hole=0.6):
        assert silent(ends, redshift).load(table, "2021-02-06").rows == 1
    assert "try 1 of 8: the server sent nothing for as long as read_timeout" in caplog.text
    assert [row[0] for row in ends.rows(table, "id")] == [1, 2]
    assert len(ends.ledger(table)) == 2


def test_a_connection_that_is_dropped_while_it_waits_for_a_lock(
    redshift: Redshift, ends: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    table = ends.table(**KEYED)
    ends.load(table, "2021-02-05")
    with ends.warehouse.session() as other, concurrent.futures.ThreadPoolExecutor(1) as pool:
        ends.warehouse.begin_locked(other, table.name)
        with redshift.estate(black_hole=0.6):
            loading = pool.submit(silent(ends, redshift).load, table, "2021-02-06")
            with pytest.raises(concurrent.futures.TimeoutError):
                loading.result(2)
        other.run("ROLLBACK")
        assert loading.result(30).rows == 1
    assert "try 1 of 8: the server sent nothing for as long as read_timeout" in caplog.text
    assert [row[0] for row in ends.rows(table, "id")] == [1, 2]
    assert len(ends.ledger(table)) == 2
