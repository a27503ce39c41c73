"""Logins with IAM: the call that a URL selects, a new password before the old one expires, and clear errors."""

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from sqlalchemy import NullPool, create_engine, make_url

from daybook.errors import WarehouseError
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.redshift import iam
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.aws import Aws, aws
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.source_warehouse_fixtures import ends_of, source_database

HOST = "analytics.abc123.eu-west-1.redshift.amazonaws.com"
SERVERLESS = "shop.123456789012.eu-central-1.redshift-serverless.amazonaws.com"


@pytest.fixture
def api(redshift: Redshift, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Yield AWS's API. Only the user and the password that it issued last can log in to the session's emulator."""
    with contextlib.ExitStack() as stack:
        current = stack.enter_context(contextlib.ExitStack())

        def issue(user: str, password: str) -> None:
            current.close()
            current.enter_context(redshift.estate(users={user: {"password": password}}))

        server = stack.enter_context(aws(issue))
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield server


def opened(redshift: Redshift, query: str, user: str | None = "loader", **options: object):
    url = make_url(redshift.url)
    at = f"{user}@{url.host}" if user else url.host
    engine = create_engine(
        f"{url.drivername}://{at}:{url.port}/dev?sslmode=prefer&iam=true&{query}", poolclass=NullPool
    )
    return open_warehouse(engine, copy_iam_role=IAM_ROLE, **options)


def who(warehouse) -> str:
    with warehouse.session() as session:
        return str(session.connection.info.user)


def test_a_cluster_with_a_user(redshift: Redshift, api: Aws) -> None:
    query = "cluster_identifier=analytics&region=eu-west-1&db_groups=loaders,readers"
    assert who(opened(redshift, query)) == "IAM:loader"
    ((action, asked),) = api.asked
    assert action == "GetClusterCredentials"
    assert (
        asked.items()
        >= {
            "ClusterIdentifier": "analytics",
            "DbUser": "loader",
            "DbName": "dev",
            "DbGroups.DbGroup.1": "loaders",
            "DbGroups.DbGroup.2": "readers",
            "AutoCreate": "false",
        }.items()
    )
    assert "/eu-west-1/redshift/" in api.signed_by[0] and "AKIAMACHINE" in api.signed_by[0]


def test_a_cluster_whose_user_is_the_identity_at_aws(redshift: Redshift, api: Aws) -> None:
    assert who(opened(redshift, "cluster_identifier=analytics", user=None)) == "IAMR:daybook"
    assert [action for action, _ in api.asked] == ["GetClusterCredentialsWithIAM"]


def test_serverless(redshift: Redshift, api: Aws) -> None:
    assert who(opened(redshift, "serverless_work_group=shop&region=eu-central-1", user=None)) == "IAMR:daybook"
    assert api.asked == [("GetCredentials", {"workgroupName": "shop", "dbName": "dev"})]


def test_the_keys_of_the_block_log_in_if_there_are_some(redshift: Redshift, api: Aws) -> None:
    def session() -> boto3.Session:
        return boto3.Session(aws_access_key_id="AKIABLOCK", aws_secret_access_key="x")

    who(opened(redshift, "cluster_identifier=analytics", aws_session=session))
    who(opened(redshift, "cluster_identifier=analytics", aws_session=lambda: None))
    assert ["AKIABLOCK" in api.signed_by[0], "AKIAMACHINE" in api.signed_by[1]] == [True, True]


def test_a_password_is_used_until_shortly_before_it_expires(redshift: Redshift, api: Aws) -> None:
    warehouse = opened(redshift, "cluster_identifier=analytics")
    assert [who(warehouse), who(warehouse)] == ["IAM:loader"] * 2
    assert len(api.asked) == 1
    api.seconds = iam._MARGIN  # of the next one: it is used once
    warehouse = opened(redshift, "cluster_identifier=analytics")
    assert [who(warehouse), who(warehouse)] == ["IAM:loader"] * 2
    assert len(api.asked) == 3


def test_a_load_whose_every_connection_needs_a_new_password(
    redshift: Redshift, api: Aws, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    api.seconds = iam._MARGIN
    with source_database("postgres", request) as source, ends_of(source, "redshift-s3", request, tmp_path) as ends:
        source.run("CREATE TABLE things (id int PRIMARY KEY)")
        source.insert("things", [(1,)])
        keyed = dataclasses.replace(ends, warehouse=opened(redshift, "cluster_identifier=analytics"))
        assert keyed.load(ends.table(key=["id"])).rows == 1
        assert ends.rows(ends.table(key=["id"])) == [(1,)]
    assert len(api.asked) > 1


@pytest.mark.parametrize("hours", [-5, 5])
def test_the_clock_of_this_machine_may_be_wrong(redshift: Redshift, api: Aws, hours: int) -> None:
    api.clock = timedelta(hours=hours)
    warehouse = opened(redshift, "cluster_identifier=analytics")
    assert [who(warehouse), who(warehouse)] == ["IAM:loader"] * 2
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (
            403,
            "AccessDenied",
            r"allow redshift:GetClusterCredentials on dbname:analytics/dev and dbuser:analytics/loader",
        ),
        (404, "ClusterNotFound", "correct cluster_identifier, .*: cluster analytics is not there"),
        (403, "ExpiredToken", "renew the keys in the block AwsCredentials/aws"),
        (400, "UnsupportedOperation", "refused: correct the URL, or wait until the cluster is available"),
    ],
)
def test_a_refusal_says_what_to_do_and_has_no_secret(
    redshift: Redshift, api: Aws, status: int, code: str, words: str
) -> None:
    api.refusals = [(status, code)]
    with pytest.raises(DatabaseError, match=words) as caught:
        who(opened(redshift, "cluster_identifier=analytics"))
    assert not caught.value.transient and f"AWS answered {code} ({status})" in str(caught.value)
    assert "machine's" not in str(caught.value)


def test_a_busy_api_is_asked_again_later(redshift: Redshift, api: Aws) -> None:
    api.refusals = [(400, "Throttling")] * 2
    with pytest.raises(DatabaseError, match=r"Throttling \(400\), refused: run this again") as caught:
        who(opened(redshift, "cluster_identifier=analytics"))
    assert caught.value.transient


def test_no_credentials_at_all(redshift: Redshift, api: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(DatabaseError, match="found no credentials of AWS: give the machine a role"):
        who(opened(redshift, "cluster_identifier=analytics"))


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (f"me@{HOST}/shop?iam=true", ("analytics", None, "eu-west-1", "me")),
        (f"{SERVERLESS}/shop?iam=TRUE", (None, "shop", "eu-central-1", None)),
        (f"me@{HOST}/shop?iam=1&cluster_identifier=other&region=us-east-2", ("other", None, "us-east-2", "me")),
        ("wh.example.com/shop?iam=true&serverless_work_group=w", (None, "w", None, None)),
    ],
)
def test_the_host_names_what_the_options_do_not(url: str, wanted: tuple[str | None, ...]) -> None:
    login = iam.IamLogin.of(make_url(f"redshift+psycopg2://{url}"))
    assert login and (login.cluster, login.work_group, login.region, login.user) == wanted


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"me:secret@{HOST}/shop?iam=true", "has a password and iam=true: remove one"),
        ("me@wh.example.com/shop?iam=true", "its host names no cluster: add cluster_identifier or"),
        (f"me@{SERVERLESS}/shop?iam=true", "Redshift Serverless derives it from the identity at AWS: remove the user"),
        (f"{SERVERLESS}/shop?iam=true&cluster_identifier=x", "names a cluster and a work group"),
        (f"{HOST}/shop?iam=true&db_groups=a", "has db_groups or auto_create, which need a user"),
        (f"me:secret@{HOST}/shop?region=eu-west-1", r"has \?region=, an option of logins with IAM: add iam=true"),
        (f"me@{HOST}/shop?iam=yes", r"has \?iam=yes: write true or false"),
    ],
)
def test_options_that_contradict_each_other(url: str, words: str) -> None:
    with pytest.raises(WarehouseError, match=words) as caught:
        open_warehouse(create_engine(f"redshift+psycopg2://{url}"), copy_iam_role=IAM_ROLE)
    assert "secret" not in str(caught.value)
