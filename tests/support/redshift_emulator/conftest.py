"""Fixtures of the emulator's own tests: a connection with an empty schema `t`, and a bucket `bkt`."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest

from tests.support.servers.redshift import Redshift
from tests.support.servers.s3 import S3

Query = Callable[..., Any]
Put = Callable[[str, str | bytes], None]


@pytest.fixture
def connection(redshift: Redshift) -> Iterator[psycopg2.extensions.connection]:
    """Yield a connection with autocommit, in a new schema `t`."""
    connection = redshift.connect()
    connection.autocommit = True
    connection.cursor().execute("drop schema if exists t cascade; create schema t")
    connection.cursor().execute("set search_path to t")
    yield connection
    connection.close()


@pytest.fixture
def q(connection: psycopg2.extensions.connection) -> Query:
    """Return a function that runs one statement on `connection`, and returns its rows or its completion tag."""

    def run(sql: str, *values: object) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else cursor.statusmessage

    return run


@pytest.fixture(scope="session")
def bucket(s3: S3) -> str:
    s3.client().create_bucket(Bucket="bkt")
    return "bkt"


@pytest.fixture
def put(s3: S3, bucket: str) -> Put:
    """Return a function that writes an object to the bucket `bkt`."""
    client = s3.client()

    def write(key: str, data: str | bytes) -> None:
        client.put_object(Bucket=bucket, Key=key, Body=data if isinstance(data, bytes) else data.encode())

    return write
