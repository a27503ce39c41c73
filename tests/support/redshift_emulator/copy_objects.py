"""Read the S3 objects of a COPY: those in a manifest, or all with a key prefix."""

import bz2
import gzip
import io
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
import zstandard
from botocore.exceptions import BotoCoreError, ClientError

from tests.support.redshift_emulator.copy_access import Access, Keys, service_error
from tests.support.redshift_emulator.copy_options import CopyOptions
from tests.support.redshift_emulator.errors import RedshiftError, internal
from tests.support.redshift_emulator.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "GZIP": lambda data: gzip.decompress(data) if data else b"",
    "BZIP2": bz2.decompress,
    "ZSTD": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read(),
}


def s3_objects(copy: CopyOptions, settings: Settings, user: str) -> Iterator[tuple[str, bytes]]:
    """Yield URL and decompressed content of each object, in order. Raises RedshiftError if one is unreadable."""
    keys = _keys(copy)
    client, access = _client(copy, keys, settings), Access(copy, keys, settings.estate, user)
    access.check(copy.source)
    named = _listed_in_manifest(client, copy.source) if "MANIFEST" in copy else _below(client, copy.source)
    for url, mandatory in named:
        access.check(url)
        data = _get(client, url, mandatory)
        if data is None:
            continue
        for name, decompress in DECOMPRESS.items():
            if name in copy:
                try:
                    data = decompress(data)
                except Exception as error:  # each library raises different errors
                    raise internal(f"Failed to decompress {url}: {error}", 15005) from error
        yield url, data


def _keys(copy: CopyOptions) -> Keys:
    """Return the access keys in the statement; empty ones if it has none."""
    if "CREDENTIALS" not in copy:
        return Keys(*(copy.given.get(name, "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")))
    parts = dict(p.strip().split("=", 1) for p in copy.given["CREDENTIALS"].split(";") if "=" in p)
    keys = Keys(*(parts.get(name, "") for name in ("aws_access_key_id", "aws_secret_access_key", "token")))
    if not keys.id and "aws_iam_role" not in parts:
        raise RedshiftError(
            "22023",
            "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
            "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'",
        )
    return keys


def _client(copy: CopyOptions, keys: Keys, settings: Settings) -> "S3Client":
    if keys.id in (settings.estate["keys"] or {}):
        keys = Keys()  # the S3 server does not know them
    server = (settings.s3_access_key, settings.s3_secret_key)
    if keys.id and settings.s3_access_key and (keys.id, keys.secret) != server:
        raise service_error(
            "The AWS Access Key Id you provided does not exist in our records.", 403, "InvalidAccessKeyId"
        )
    return _cached_client(
        endpoint_url=settings.s3_endpoint,
        region_name=copy.given.get("REGION", "us-east-1"),
        aws_access_key_id=keys.id or settings.s3_access_key or "test",
        aws_secret_access_key=keys.secret or settings.s3_secret_key or "test",
        aws_session_token=keys.token or None,
    )


@lru_cache  # creating a client is slower than most of its requests
def _cached_client(**arguments: str | None) -> "S3Client":
    client: S3Client = boto3.client("s3", **arguments)  # type: ignore[call-overload]
    return client


def _get(client: "S3Client", url: str, mandatory: bool) -> bytes | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if mandatory:
            raise _service_error(error) from error
    except BotoCoreError as error:
        raise internal(f"S3ServiceException: {error}") from error
    return None


def _service_error(error: ClientError) -> RedshiftError:
    answer, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    message = answer.get("Message", "Unknown")  # AWS always has one, other servers may not
    return service_error(message, status, answer["Code"])


def _listed_in_manifest(client: "S3Client", url: str) -> list[tuple[str, bool]]:
    try:
        entries = json.loads(_get(client, url, mandatory=True) or b"")["entries"]
        return [(entry["url"], bool(entry.get("mandatory", False))) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise internal(f"Manifest file is not in correct json format: {url}") from error


def _below(client: "S3Client", url: str) -> list[tuple[str, bool]]:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    except ClientError as error:
        raise _service_error(error) from error
    except BotoCoreError as error:
        raise internal(f"S3ServiceException: {error}") from error
    if not keys:
        raise internal(f"The specified S3 prefix '{prefix}' does not exist")
    return [(f"s3://{bucket}/{key}", True) for key in sorted(keys)]
