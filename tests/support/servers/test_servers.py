"""Each server of the tests answers, gives a test a place of its own, and takes it back."""

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa
from botocore.exceptions import ClientError
from sqlalchemy.exc import DBAPIError

from tests.support.servers.mariadb import MariaDB
from tests.support.servers.mysql import MySQL
from tests.support.servers.postgres import Postgres
from tests.support.servers.processes import program
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.s3 import S3

ROOT = Path(__file__).parents[3]


def scalar(url: str, sql: str) -> object:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            return connection.execute(sa.text(sql)).scalar()
    finally:
        engine.dispose()


def test_mariadb_answers_in_utc_and_takes_a_database_back(mariadb: MariaDB):
    assert "MariaDB" in str(scalar(mariadb.url, "SELECT version()"))
    assert scalar(mariadb.url, "SELECT @@global.time_zone") == "+00:00"
    with mariadb.database() as url:
        assert scalar(url, "SELECT @@character_set_database") == "utf8mb4"
    with mariadb.database("latin1") as url:
        assert scalar(url, "SELECT @@character_set_database") == "latin1"
    with pytest.raises(DBAPIError, match="Unknown database"):
        scalar(url, "SELECT 1")


def test_mariadb_wants_the_password(mariadb: MariaDB):
    wrong = sa.make_url(mariadb.url).set(password="wrong").render_as_string(hide_password=False)
    with pytest.raises(DBAPIError, match="Access denied"):
        scalar(wrong, "SELECT 1")


def test_mysql_is_from_oracle_and_takes_a_database_back(mysql: MySQL):
    version = str(scalar(mysql.url, "SELECT version()"))
    assert "MariaDB" not in version and int(version.split(".")[0]) >= 9
    assert scalar(mysql.url, "SELECT @@global.time_zone") == "+00:00"
    plugin = "SELECT plugin FROM mysql.user WHERE user = 'root' AND host = '127.0.0.1'"
    assert scalar(mysql.url, plugin) == "caching_sha2_password"
    with mysql.database() as url, pytest.raises(DBAPIError, match="MD5 does not exist"):
        scalar(url, "SELECT MD5('x')")
    with pytest.raises(DBAPIError, match="Unknown database"):
        scalar(url, "SELECT 1")


def test_a_test_has_a_mariadb_database_of_its_own(mariadb_url: str):
    assert scalar(mariadb_url, "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()") == 0


def test_postgres_answers_in_utc_and_takes_a_database_back(postgres: Postgres):
    assert scalar(postgres.url, "SHOW timezone") == "UTC"
    with postgres.database() as url:
        encoding = "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
        assert scalar(url, encoding) == "UTF8"
        still_there = sa.create_engine(url).connect()
        still_there.execute(sa.text("CREATE SCHEMA left_behind"))
        still_there.execute(sa.text("CREATE TABLE left_behind.t (id int)"))
        still_there.commit()
        assert scalar(url, "SELECT count(*) FROM left_behind.t") == 0
    with pytest.raises(DBAPIError, match=r"terminating connection|closed the connection"):
        still_there.execute(sa.text("SELECT * FROM left_behind.t"))
    with pytest.raises(DBAPIError, match="does not exist"):
        scalar(url, "SELECT * FROM left_behind.t")


def test_the_two_versions_of_postgres_differ(postgres: Postgres, postgres_debian: Postgres):
    newest, older = (int(str(scalar(server.url, "SHOW server_version_num"))) for server in (postgres, postgres_debian))
    assert older < newest
    wrong = sa.make_url(postgres_debian.url).set(password="wrong").render_as_string(hide_password=False)
    with pytest.raises(DBAPIError, match="password authentication failed"):
        scalar(wrong, "SELECT 1")


def test_a_test_has_a_postgres_database_of_its_own(postgres_url: str):
    assert scalar(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_s3_keeps_objects_and_lists_them_by_prefix(s3: S3, s3_bucket: str):
    client = s3.client()
    for key in ("day=2024-01-1", "day=2024-01-10", "deep/er/part", "other"):
        client.put_object(Bucket=s3_bucket, Key=key, Body=key.encode())
    assert s3.keys(s3_bucket, "day=2024-01-1") == ["day=2024-01-1", "day=2024-01-10"]
    assert s3.keys(s3_bucket) == ["day=2024-01-1", "day=2024-01-10", "deep/er/part", "other"]
    assert client.get_object(Bucket=s3_bucket, Key="other")["Body"].read() == b"other"


def test_s3_wants_its_keys(s3: S3):
    with pytest.raises(ClientError, match=r"403|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId"):
        S3(s3.endpoint, access_key=s3.access_key, secret_key="wrong").client().list_objects_v2(Bucket=s3.bucket)


def test_s3_takes_a_bucket_back(s3: S3):
    with s3.new_bucket() as name:
        s3.client().put_object(Bucket=name, Key="deep/er/part", Body=b"x")
    assert name not in [bucket["Name"] for bucket in s3.client().list_buckets()["Buckets"]]


def test_redshift_answers_and_takes_a_schema_back(redshift: Redshift):
    assert "Redshift" in str(scalar(redshift.url, "SELECT version()"))
    with redshift.schema() as schema, contextlib.closing(redshift.connect()) as connection:
        connection.cursor().execute(f"CREATE TABLE {schema}.t (id int)")
        connection.commit()
        assert scalar(redshift.url, f"SELECT count(*) FROM {schema}.t") == 0
    with pytest.raises(DBAPIError, match="does not exist"):
        scalar(redshift.url, f"SELECT * FROM {schema}.t")


def test_redshift_copies_from_s3_and_logs_every_statement(
    redshift: Redshift, redshift_schema: str, s3: S3, s3_bucket: str, redshift_statements: Callable[[], list[str]]
):
    s3.client().put_object(Bucket=s3_bucket, Key="rows.csv", Body=b"1\n2\n")
    create = f"CREATE TABLE {redshift_schema}.t (id int)"
    copy = f"COPY {redshift_schema}.t FROM 's3://{s3_bucket}/rows.csv' IAM_ROLE '{IAM_ROLE}' CSV"
    with contextlib.closing(redshift.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(create)
        cursor.execute(copy)
        cursor.execute(f"SELECT count(*) FROM {redshift_schema}.t")
        assert cursor.fetchone() == (2,)
        connection.commit()
    statements = redshift_statements()
    assert [s for s in statements if s in (create, copy, "COMMIT")] == [create, copy, "COMMIT"]


def test_redshift_fails_where_a_test_wants_it_to(redshift: Redshift):
    rule = {"match": "select 42", "action": "error", "message": "1023"}
    with redshift.faults(rule), pytest.raises(DBAPIError, match="1023"):
        scalar(redshift.url, "SELECT 42")
    assert scalar(redshift.url, "SELECT 42") == 42


def test_serializable_redshift_refuses_the_second_of_two_writers(redshift_serializable: Redshift):
    with (
        redshift_serializable.schema() as schema,
        contextlib.closing(redshift_serializable.connect()) as first,
        contextlib.closing(redshift_serializable.connect()) as second,
        first.cursor() as one,
        second.cursor() as two,
    ):
        one.execute(f"CREATE TABLE {schema}.t (id int)")
        first.commit()
        for cursor in (one, two):
            cursor.execute(f"SELECT count(*) FROM {schema}.t")
        one.execute(f"INSERT INTO {schema}.t VALUES (1)")
        first.commit()
        with pytest.raises(psycopg2.errors.InternalError_, match="1023"):
            two.execute(f"INSERT INTO {schema}.t VALUES (2)")
            second.commit()
        second.rollback()


def test_a_missing_server_is_a_failure_that_says_how_to_install_it():
    with pytest.raises(pytest.fail.Exception, match=r"no-such-server is not installed.*apt-get install it"):
        program("no-such-server", "apt-get install it")


@pytest.mark.parametrize(
    ("server", "module"), [("mariadb", "install"), ("postgres_debian", "install"), ("mysql", "install_mysql")]
)
def test_install_has_nothing_to_do_where_the_server_is(server: str, module: str, request: pytest.FixtureRequest):
    request.getfixturevalue(server)
    command = [sys.executable, "-m", f"tests.support.servers.{module}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.servers
def test_install_says_what_to_install_where_it_cannot(tmp_path: Path):
    """A machine without any package manager and without the programs, as far as the command can see."""
    code = """
        import sys
        from pathlib import Path
        from tests.support.servers import debian_packages, install
        install.SYSTEM_FOLDERS, install.FAKETIME_FOLDERS = "", ()
        debian_packages.UNPACKED = Path("/nowhere")
        sys.exit(install.main())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PATH": str(tmp_path)})
    assert result.returncode == 1
    assert "apt-get install mariadb-server-core" in result.stderr
    assert "Traceback" not in result.stderr
