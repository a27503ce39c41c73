"""The stand-in's own tests: users, case sensitivity, COPY's access and region, TLS, and a network that drops bytes.

Each test names the page of AWS that describes the behaviour.
"""

import contextlib
import threading
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from daybook.sql.network_limits import shut
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.tls_proxy import Authority

OTHER_ROLE = "arn:aws:iam::210987654321:role/other"


def connected(redshift: Redshift, user: str = "awsuser", **options: object):
    url = sa.make_url(redshift.url)
    connection = psycopg2.connect(host=url.host, port=url.port, user=user, dbname=url.database, **options)
    connection.autocommit = True
    return contextlib.closing(connection)


def test_a_user_with_a_sha256_password_needs_the_driver_of_aws(redshift: Redshift) -> None:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html: 'sha256|…' passwords."""
    import redshift_connector

    url = sa.make_url(redshift.url)
    with redshift.estate(users={"digest": {"password": "secret", "request": 13}}):
        with pytest.raises(psycopg2.OperationalError, match="authentication method 13 not supported"):
            connected(redshift, "digest", password="secret").__enter__()
        options = {"host": url.host, "port": url.port, "database": url.database, "user": "digest", "ssl": False}
        with redshift_connector.connect(**options, password="secret") as connection:
            cursor = connection.cursor()
            cursor.execute("select 1")
            assert cursor.fetchone() == [1]
        with pytest.raises(redshift_connector.Error, match="password authentication failed"):
            redshift_connector.connect(**options, password="wrong")


def test_the_case_of_names_is_a_setting_of_the_parameter_group_and_of_a_user(redshift: Redshift) -> None:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_enable_case_sensitive_identifier.html"""
    name = "enable_case_sensitive_identifier"
    seen = {}
    with redshift.estate(settings={name: "true"}, users={"folds": {"settings": {name: "false"}}}):
        for user in ("awsuser", "folds"):
            with connected(redshift, user) as connection, connection.cursor() as cursor:
                cursor.execute(f"show {name}")
                shown = cursor.fetchone()
                cursor.execute('create temp table "MiXed" ("CoL" int)')
                cursor.execute("select relname from pg_class where relname ilike 'mixed'")
                seen[user] = shown, cursor.fetchone()
    assert seen == {"awsuser": (("on",), ("MiXed",)), "folds": (("off",), ("mixed",))}
    with connected(redshift) as connection, connection.cursor() as cursor:
        cursor.execute(f"show {name}")
        assert cursor.fetchone() == ("off",)


@pytest.mark.parametrize(
    ("authorization", "region", "words"),
    [
        (f"IAM_ROLE '{IAM_ROLE}'", "", "PermanentRedirect"),
        (f"IAM_ROLE '{IAM_ROLE}'", "REGION 'eu-west-1'", None),
        (f"IAM_ROLE '{IAM_ROLE},{OTHER_ROLE}'", "REGION AS 'eu-west-1'", "Access Denied,Status 403"),
        (
            f"IAM_ROLE '{OTHER_ROLE}'",
            "REGION 'eu-west-1'",
            "cluster/awsuser is not authorized to assume IAM Role",
        ),
        ("IAM_ROLE default", "REGION 'eu-west-1'", None),
        ("ACCESS_KEY_ID 'ASIA1' SECRET_ACCESS_KEY 's' SESSION_TOKEN 't'", "REGION 'eu-west-1'", None),
        ("ACCESS_KEY_ID 'ASIA1' SECRET_ACCESS_KEY 's'", "REGION 'eu-west-1'", "InvalidToken"),
        ("ACCESS_KEY_ID 'ASIA2' SECRET_ACCESS_KEY 's'", "REGION 'eu-west-1'", "The provided token has expired"),
        ("ACCESS_KEY_ID 'nobody' SECRET_ACCESS_KEY 's'", "REGION 'eu-west-1'", "InvalidAccessKeyId"),
    ],
    ids=["region missing", "role", "chain", "not attached", "default", "keys", "no token", "expired", "unknown"],
)
def test_copy_reads_with_its_role_or_keys_in_the_region_of_the_bucket(
    redshift: Redshift, q, put, authorization: str, region: str, words: str | None
) -> None:
    """https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-authorization.html"""
    put("access.csv", "1\n")
    q("create table access (i int)")
    readers = [IAM_ROLE, "ASIA1", "ASIA2"]
    keys = {"ASIA1": {"secret": "s", "token": "t"}, "ASIA2": {"secret": "s", "reads": 1}}
    with redshift.estate(
        roles=[IAM_ROLE],
        default_role=IAM_ROLE,
        buckets={"bkt": {"region": "eu-west-1", "readers": readers}},
        keys=keys,
    ):
        copy = f"copy access from 's3://bkt/access.csv' {authorization} {region} csv"
        if words is None:
            q(copy)
        else:
            with pytest.raises(psycopg2.errors.InternalError_, match=words):
                q(copy)
    assert q("select count(*) from access") == [(int(words is None),)]


def test_tls(redshift: Redshift, tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-ssl-support.html"""
    authority = Authority()
    authority.context("localhost", tmp_path)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    with redshift.estate(tls=str(tmp_path / "localhost.pem")):
        options = {"sslmode": "verify-full", "sslrootcert": str(tmp_path / "ca.pem")}
        port = sa.make_url(redshift.url).port
        with (
            contextlib.closing(
                psycopg2.connect(host="localhost", port=port, user="awsuser", dbname="dev", **options)
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("select 1")
            assert cursor.fetchone() == (1,)
            assert connection.info.ssl_in_use


def test_a_user_with_few_privileges(redshift: Redshift, q) -> None:
    """https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html"""
    q("create user limited password 'Secret123'")
    try:
        with (
            redshift.estate(users={"limited": {"password": "Secret123", "own_role": True}}),
            connected(redshift, "limited", password="Secret123") as connection,
            connection.cursor() as cursor,
            pytest.raises(psycopg2.errors.InsufficientPrivilege, match="permission denied for schema t"),
        ):
            cursor.execute("create table t.mine (i int)")
    finally:
        q("drop user limited")


def test_an_idle_connection_disappears_without_a_word(redshift: Redshift) -> None:
    """https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-drop-issues.html"""
    slow = {"match": "select 42", "action": "delay", "seconds": 0.5}
    with redshift.faults(slow), redshift.estate(black_hole=0.3), connected(redshift) as connection:
        cursor = connection.cursor()
        cursor.execute("select 1")
        with pytest.raises(psycopg2.OperationalError):
            _give_up_after(connection, 1)
            cursor.execute("select 42")


def _give_up_after(connection, seconds: float) -> None:
    """Shut the client's socket after a time, because libpq itself would wait forever."""
    threading.Timer(seconds, shut, (connection,)).start()


def test_a_cluster_that_refuses_logins_and_one_that_can_only_be_read(redshift: Redshift) -> None:
    """https://docs.aws.amazon.com/redshift/latest/mgmt/managing-cluster-operations.html: resizing, pausing."""
    refused = pytest.raises(psycopg2.OperationalError, match="the cluster is not available")
    with redshift.estate(refuses="the cluster is not available"), refused:
        connected(redshift).__enter__()
    with redshift.estate(read_only=True), connected(redshift) as connection, connection.cursor() as cursor:
        cursor.execute("select 1")
        with pytest.raises(psycopg2.Error, match="read-only transaction"):
            cursor.execute("create table public.never (i int)")
