"""COPY reads the stage with a role or keys, in the bucket's region. A refusal says what to allow, and loses nothing."""

import contextlib
import dataclasses
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from daybook.errors import LoadFailed
from daybook.sql.database_error import DatabaseError
from daybook.stage.s3 import S3Stage
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.redshift import IAM_ROLE, Redshift
from tests.support.servers.s3 import S3
from tests.support.servers.s3_regions import with_regions
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

KEYED = {"load": "upsert", "key": ["id"], "cursor": "at", "interval": "day", "start": "2021-01-01"}
OTHER = "arn:aws:iam::210987654321:role/other"
#: Nothing that redaction would recognize by its form.
TOKEN = "a+token/of=letters"


@pytest.fixture
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """Yield a PostgreSQL with a table `things` of two days, and a Redshift with the first of them."""
    with source_database("postgres", request) as source, ends_of(source, "redshift-s3", request, tmp_path) as ends:
        source.run("CREATE TABLE things (id int PRIMARY KEY, name text, at timestamp NOT NULL)")
        source.insert("things", [(1, "one", "2021-02-05 01:00"), (2, "two", "2021-02-06 02:00")])
        ends.load(ends.table(**KEYED), "2021-02-05")
        yield ends


def reading_as(ends: Endpoints, role: str, **changes: Any) -> Endpoints:
    warehouse = open_warehouse(ends.destination.engine, copy_iam_role=role)
    return dataclasses.replace(ends, warehouse=warehouse, **changes)


def refusal(ends: Endpoints) -> LoadFailed:
    """Load the second day, which must fail, and return the error. Check that the first day is still all there is."""
    table = ends.table(**KEYED)
    before = ends.state(table)
    with pytest.raises(LoadFailed) as caught:
        ends.load(table, "2021-02-06")
    assert ends.state(table) == before and len(before[0]) == 1
    assert f"{table.name} 2021-02-06: load: " in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("role", "estate", "words"),
    [
        (
            IAM_ROLE,
            {"buckets": {"stage": {"readers": []}}},
            f"s3:GetObject on arn:aws:s3:::stage/* to the role {IAM_ROLE}. If the bucket stage is in another account",
        ),
        (
            f"{IAM_ROLE},{OTHER}",
            {"roles": [IAM_ROLE], "buckets": {"stage": {"readers": [IAM_ROLE]}}},
            f"to the role {OTHER}",
        ),
        (IAM_ROLE, {"roles": [OTHER]}, f"Attach the role {IAM_ROLE} to the cluster (aws redshift modify-cluster"),
        ("default", {"roles": [OTHER]}, "--default-iam-role-arn ROLE), or set DAYBOOK_COPY_IAM_ROLE"),
        (
            IAM_ROLE,
            {"region": "us-east-1", "buckets": {"stage": {"region": "eu-west-1"}}},
            "The bucket stage is not in the cluster's region",
        ),
    ],
    ids=["bucket", "another account", "not attached", "no default", "region"],
)
def test_a_role_that_may_not_read_the_stage(
    redshift: Redshift, ends: Endpoints, role: str, estate: dict[str, Any], words: str
) -> None:
    with redshift.estate(**estate):
        assert words in str(refusal(reading_as(ends, role)))
    assert ends.load(ends.table(**KEYED), "2021-02-06").rows == 1  # the same load, once the role may


@pytest.mark.parametrize(
    ("role", "sql"),
    [("default", "IAM_ROLE default MANIFEST"), (f"{OTHER},{IAM_ROLE}", f"IAM_ROLE '{OTHER},{IAM_ROLE}'")],
)
def test_a_default_role_and_a_chain_of_roles(
    redshift: Redshift, redshift_statements: Callable[[], list[str]], ends: Endpoints, role: str, sql: str
) -> None:
    estate = {"roles": [OTHER, IAM_ROLE], "default_role": IAM_ROLE, "buckets": {"stage": {"readers": [IAM_ROLE]}}}
    with redshift.estate(**estate):
        assert reading_as(ends, role).load(ends.table(**KEYED), "2021-02-06").rows == 1
    assert [one for one in redshift_statements() if one.startswith("COPY") and sql in one]


def test_a_bucket_in_another_region(
    redshift: Redshift, redshift_statements: Callable[[], list[str]], ends: Endpoints, s3: S3
) -> None:
    with (
        with_regions(s3, {s3.bucket: "eu-central-1"}) as elsewhere,
        redshift.estate(region="us-east-1", buckets={s3.bucket: {"region": "eu-central-1"}}),
    ):
        stage = S3Stage(elsewhere.client(), s3.bucket, str(ends.stage).rpartition("/")[2])
        assert stage.region() == "eu-central-1"
        assert reading_as(ends, IAM_ROLE, stage=stage).load(ends.table(**KEYED), "2021-02-06").rows == 1
    assert [one for one in redshift_statements() if one.startswith("COPY") and one.endswith("REGION 'eu-central-1'")]
    assert [row[0] for row in ends.rows(ends.table(**KEYED), "id")] == [1, 2]


def test_an_s3_that_is_busy_is_read_again(redshift: Redshift, ends: Endpoints) -> None:
    busy = "S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown"
    with redshift.faults({"match": "^copy", "action": "error", "sqlstate": "XX000", "message": busy}):
        assert ends.load(ends.table(**KEYED), "2021-02-06").rows == 1


@contextlib.contextmanager
def temporary(ends: Endpoints, redshift: Redshift, s3: S3, **fields: Any) -> Iterator[Endpoints]:
    """Yield ends whose stage has temporary keys, with which COPY reads it."""
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=s3.region,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        aws_session_token=TOKEN,
    )
    stage = S3Stage(client, s3.bucket, str(ends.stage).rpartition("/")[2])
    keys = {s3.access_key: {"secret": s3.secret_key, "token": TOKEN, **fields}}
    with redshift.estate(keys=keys, buckets={s3.bucket: {"readers": [s3.access_key]}}):
        yield reading_as(ends, "access_keys", stage=stage)


def test_access_keys_with_a_session_token(
    redshift: Redshift,
    redshift_statements: Callable[[], list[str]],
    ends: Endpoints,
    s3: S3,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "daybook")
    with temporary(ends, redshift, s3) as keyed:
        assert keyed.load(ends.table(**KEYED), "2021-02-06").rows == 1
    (copy,) = [one for one in redshift_statements() if one.startswith("COPY") and "ACCESS_KEY_ID" in one]
    assert f"SESSION_TOKEN '{TOKEN}' MANIFEST" in copy and "IAM_ROLE" not in copy
    assert s3.secret_key not in caplog.text and TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"reads": 1},
            "The provided token has expired.,Status 400,Error ExpiredToken. Nothing was loaded. Redshift renews",
        ),
        ({"token": "another"}, "Correct the keys in the block AwsCredentials/aws, or use a role"),
    ],
    ids=["a token that expires during the COPY", "wrong keys"],
)
def test_keys_that_do_not_work_are_in_no_error(
    redshift: Redshift,
    ends: Endpoints,
    s3: S3,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
    words: str,
) -> None:
    with temporary(ends, redshift, s3, **fields) as keyed:
        error = refusal(keyed)
    assert words in str(error)
    shown = (
        "".join(traceback.format_exception(error)) + caplog.text + repr(error.__cause__) + repr(vars(error.__cause__))
    )
    assert s3.secret_key not in shown and TOKEN not in shown
    assert ends.load(ends.table(**KEYED), "2021-02-06").rows == 1


def test_an_error_that_quotes_the_statement_has_no_part_of_the_keys(
    redshift: Redshift, ends: Endpoints, s3: S3
) -> None:
    """libpq quotes the line of a syntax error, cut off at both ends: within a key, too."""
    with (
        temporary(ends, redshift, s3) as keyed,
        redshift.faults(
            {"match": "^copy", "action": "error", "sqlstate": "42601", "message": f"syntax error at or near '{TOKEN}'"}
        ),
    ):
        error = refusal(keyed)
    cause = error.__cause__
    assert isinstance(cause, DatabaseError) and cause.__context__ is None and cause.__cause__ is None
    shown = "".join(traceback.format_exception(error))
    assert "syntax error at or near" in shown and TOKEN not in shown and s3.secret_key not in shown
