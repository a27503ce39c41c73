"""Keys, a role or a server of one's own: what opens S3, and what does not."""

import pytest

from blocks.aws import Aws
from tests.support.declared_blocks import KEYS, S3, made_by, plan, refused

REFUSALS = {
    "a key without its secret": ({"AWS_ACCESS_KEY_ID": "AKIA"}, ["AWS_SECRET_ACCESS_KEY"]),
    "a secret without its key": ({"AWS_SECRET_ACCESS_KEY": "hunter2"}, ["AWS_ACCESS_KEY_ID"]),
    "an empty secret": (S3 | KEYS | {"AWS_SECRET_ACCESS_KEY": ""}, ["AWS_SECRET_ACCESS_KEY"]),
    "S3 without a region": (KEYS | {"DAYBOOK_STAGE_URL": "s3://lake"}, ["AWS_REGION"]),
    "keys that expire": (S3 | KEYS | {"AWS_SESSION_TOKEN": "hunter2"}, ["AWS_SESSION_TOKEN"]),
    "a server of one's own without keys": (S3 | {"AWS_ENDPOINT_URL": "http://minio:9000"}, ["AWS_ACCESS_KEY_ID"]),
    "an endpoint with keys in it": (S3 | KEYS | {"AWS_ENDPOINT_URL": "http://k:hunter2@minio"}, ["AWS_ENDPOINT_URL"]),
    "an endpoint that is not a URL": (S3 | KEYS | {"AWS_ENDPOINT_URL": "minio:9000"}, ["AWS_ENDPOINT_URL"]),
}


@pytest.mark.parametrize(("environ", "variables"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_does_not_open_s3_is_refused_by_name(environ: dict[str, str], variables: list[str]) -> None:
    assert refused(environ) == variables


def values(environ: dict[str, str]) -> list[str | None]:
    """Return key, secret, region and endpoint, of an environment that makes the block."""
    found = plan(environ)
    assert "AwsCredentials/aws" in [declaration.makes for declaration in found.wanted]
    return [found.environment.value(variable) for variable in Aws.variables]


@pytest.mark.parametrize(
    "environ",
    [S3, S3 | {"AWS_ENDPOINT_URL": "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"}],
)
def test_no_keys_at_all_is_the_role_of_the_machine(environ: dict[str, str]) -> None:
    assert values(environ) == [None, None, "eu-west-1", environ.get("AWS_ENDPOINT_URL")]
    assert plan(environ).environment.notes == [
        "AWS_ACCESS_KEY_ID: not set, so flows open S3 with the role of the worker's machine"
    ]


def test_a_server_of_ones_own_needs_no_region() -> None:
    environ = KEYS | {"DAYBOOK_STAGE_URL": "s3://lake", "AWS_ENDPOINT_URL": "http://minio:9000"}

    assert values(environ) == ["AKIAEXAMPLE", "hunter2", None, "http://minio:9000"]


def test_keys_that_expire_do_not_stop_a_stage_in_a_folder() -> None:
    environ = KEYS | {"AWS_SESSION_TOKEN": "hunter2", "DAYBOOK_STAGE_URL": "/stage"}

    assert made_by(environ) == ["S3Bucket/stage or LocalFileSystem/stage"]
    assert [note.partition(":")[0] for note in plan(environ).environment.notes] == ["AWS_SESSION_TOKEN"]
