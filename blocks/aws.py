"""The credentials for AWS: a pair of keys, or the role of the worker's machine.

- Without keys, boto3 uses the role of the worker's machine. Only one of the two keys is a mistake. So is an
  `AWS_ENDPOINT_URL` of another provider without keys, because a role works for Amazon's servers only.
- `AWS_REGION` and `AWS_ENDPOINT_URL` are set on many machines for other reasons. Alone, they do not request the block.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from daybook.extras import extra
from daybook.orchestration.blocks.address_validation import http_url
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue

from .stage import STAGE_URL, S3Place

if TYPE_CHECKING:
    from prefect.blocks.core import Block


def read_endpoint(text: str) -> str:
    """Return the URL of an S3-compatible server, or of a VPC endpoint for Amazon S3. Raises `BadValue`."""
    parts = http_url(text, "write http(s)://HOST:PORT")
    if "@" in parts.netloc:
        raise BadValue("contains a user or a password: keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    return text


ACCESS_KEY_ID = Variable(
    name="AWS_ACCESS_KEY_ID",
    description="set both keys, or none to use the role of the worker's machine",
    read=str,
    examples=("AKIAIOSFODNN7EXAMPLE",),
)
SECRET_ACCESS_KEY = Variable(name="AWS_SECRET_ACCESS_KEY", description="the other half of the key", read=str)
REGION = Variable(
    name="AWS_REGION",
    description="the bucket's region",
    read=str,
    examples=("eu-west-1",),
    requests_block=False,
)
ENDPOINT_URL = Variable(
    name="AWS_ENDPOINT_URL",
    description="an S3-compatible server, if the bucket is not Amazon's",
    read=read_endpoint,
    examples=("http://minio:9000",),
    requests_block=False,
)
_SESSION_TOKEN = Variable(name="AWS_SESSION_TOKEN", description="refused: see `Aws.check`", read=str)


class Aws(BlockDeclaration):
    """The credentials of an S3 stage, and of tables whose source is a bucket."""

    position = 30
    makes = "AwsCredentials/aws"
    variables = (ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION, ENDPOINT_URL)

    def check(self, environment: Environment) -> None:
        """Refuse one key without the other, keys that expire, and an S3 stage that the keys cannot open."""
        key, secret = environment.is_set(ACCESS_KEY_ID), environment.is_set(SECRET_ACCESS_KEY)
        if key and not secret:
            environment.problem(SECRET_ACCESS_KEY, "is not set, but AWS_ACCESS_KEY_ID is: set both, or none")
        if secret and not key:
            environment.problem(ACCESS_KEY_ID, "is not set, but AWS_SECRET_ACCESS_KEY is: set both, or none")
        if key and environment.is_set(_SESSION_TOKEN):
            expire = "these keys expire within hours, and the block would show the token"
            if _stage_is_s3(environment):
                remedy = "create permanent keys for Daybook, or set none if the worker's machine has a role"
                environment.problem(_SESSION_TOKEN, f"{expire}: {remedy}")
            else:
                environment.note(_SESSION_TOKEN, f"{expire}, so AwsCredentials/aws is not changed")
        if _stage_is_s3(environment):
            self._check_s3(environment, keys=key or secret)

    def _check_s3(self, environment: Environment, *, keys: bool) -> None:
        if not environment.is_set(REGION) and not environment.is_set(ENDPOINT_URL):
            environment.problem(REGION, "is not set, but DAYBOOK_STAGE_URL is on S3: set the bucket's region")
        endpoint = environment.value(ENDPOINT_URL)
        if not keys and endpoint and not _is_amazons(endpoint):
            reason = "is not set, and AWS_ENDPOINT_URL is not Amazon's, so a machine's role cannot open it"
            environment.problem(ACCESS_KEY_ID, f"{reason}: set it and AWS_SECRET_ACCESS_KEY")
        elif not keys:
            environment.note(ACCESS_KEY_ID, "not set, so flows open S3 with the role of the worker's machine")

    def is_wanted(self, environment: Environment) -> bool:
        """Return True if the keys do not expire, or for an S3 stage, which needs the block even without keys."""
        keys = environment.is_set(ACCESS_KEY_ID) and not environment.is_set(_SESSION_TOKEN)
        return keys or _stage_is_s3(environment)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the credentials."""
        with extra("s3"):
            from prefect_aws import AwsClientParameters, AwsCredentials

        key, secret = environment.value(ACCESS_KEY_ID), environment.value(SECRET_ACCESS_KEY)
        region, endpoint = environment.value(REGION), environment.value(ENDPOINT_URL)
        credentials = AwsCredentials(
            aws_access_key_id=key,
            aws_secret_access_key=SecretStr(secret) if secret else None,
            region_name=region,
            aws_client_parameters=AwsClientParameters(endpoint_url=endpoint),
        )
        opened_with = f"key ...{key[-4:]}" if key else "the role of the worker's machine"
        yield BlockToSave(credentials, "aws", shown=", ".join(filter(None, [opened_with, region, endpoint])))


def _stage_is_s3(environment: Environment) -> bool:
    return isinstance(environment.value(STAGE_URL), S3Place)


def _is_amazons(endpoint_url: str) -> bool:
    """Return True for Amazon's own endpoints. Other servers do not accept the role of a machine."""
    return (urlsplit(endpoint_url).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
