"""S3, or a server with its protocol, as the stage."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import tenacity

from daybook.errors import StageError, StageLost
from daybook.extras import extra
from daybook.stage.base import AccessKeys, StagedObject

with extra("s3"):
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
        IncompleteReadError,
        NoCredentialsError,
        PartialCredentialsError,
    )

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: The connection failed. Boto tries requests again, but not the reading of a body.
LOST = (ConnectionError, HTTPClientError, IncompleteReadError)
#: The codes of a server that may answer later, in addition to each status from 500 on.
BUSY = {"SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "InternalError", "ServiceUnavailable"}
_REMEDIES = {
    "NoSuchBucket": "The bucket does not exist: create it, or correct its name in the stage's block.",
    "NoSuchKey": "The object does not exist: a lifecycle rule or another run may have deleted it. Run the load again.",
    "AccessDenied": "Access denied: the stage's credentials need s3:PutObject, s3:GetObject and s3:DeleteObject there.",
    "InvalidAccessKeyId": "The server does not know the access key: correct it in the stage's credentials block.",
    "SignatureDoesNotMatch": "The secret key does not fit the access key: correct it in the stage's credentials block.",
    "ExpiredToken": "The session token has expired: renew it in the stage's credentials block.",
}
_REMEDIES_BY_STATUS = {403: _REMEDIES["AccessDenied"], 404: _REMEDIES["NoSuchKey"]}


class _BodyLost(OSError):
    """The connection failed while the body of an object was read. The text is the name of Boto's error."""


_RETRYING = tenacity.Retrying(
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_random_exponential(multiplier=0.2, max=10),
    retry=tenacity.retry_if_exception_type(_BodyLost),
    reraise=True,
)


def bucket_region(client: "S3Client", bucket: str) -> str | None:
    """Return the region of a bucket; None for a server other than Amazon's, which may have no regions.

    S3 has it in the answer to HeadBucket, even if the answer is a refusal:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    try:
        headers = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    return headers.get("x-amz-bucket-region")


class S3Stage:
    """A stage whose objects are S3 objects in `bucket`, below `prefix`.

    `client` is a boto3 S3 client with its credentials, endpoint, timeouts and retries.
    """

    def __init__(self, client: "S3Client", bucket: str, prefix: str = "") -> None:
        self._client = client
        self.bucket = bucket
        self.prefix = prefix.strip("/")
        self._region: tuple[str | None] | None = None

    def __str__(self) -> str:
        return "/".join(filter(None, ("s3:/", self.bucket, self.prefix)))

    def __repr__(self) -> str:
        return f"S3Stage({str(self)!r})"

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._key(key)}"

    def region(self) -> str | None:
        if self._region is None:
            with self._explained("read", ""):
                self._region = (bucket_region(self._client, self.bucket),)
        return self._region[0]

    def access_keys(self) -> AccessKeys | None:
        client: Any = self._client
        credentials = client._request_signer._credentials  # Boto has no public name for the keys of a client
        if credentials is None:
            return None
        found = credentials.get_frozen_credentials()  # which renews them if they are about to expire
        return AccessKeys(found.access_key, found.secret_key, found.token)

    def objects(self) -> Iterator[StagedObject]:
        start = self._key("")
        with self._explained("list", ""):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start):
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(start)
                    yield StagedObject(key, found["Size"], found["LastModified"].astimezone(UTC))

    def put(self, key: str, data: bytes) -> None:
        with self._explained("write", key):
            self._client.put_object(Bucket=self.bucket, Key=self._key(key), Body=data)

    def get(self, key: str) -> bytes:
        with self._explained("read", key):
            return _RETRYING(self._body, key)

    def _body(self, key: str) -> bytes:
        answer = self._client.get_object(Bucket=self.bucket, Key=self._key(key))
        try:
            return answer["Body"].read()
        except LOST as error:
            raise _BodyLost(type(error).__name__) from error

    def delete(self, key: str) -> None:
        with self._explained("delete", key):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(key))

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    @contextmanager
    def _explained(self, verb: str, key: str) -> Iterator[None]:
        failed = f"Cannot {verb} {self.uri(key)} (bucket {self.bucket!r})"
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            denied = verb == "list" and status == 403
            remedy = (
                ("Access denied: the stage's credentials need s3:ListBucket on the bucket." if denied else "")
                or _REMEDIES.get(code)
                or _REMEDIES_BY_STATUS.get(status)
                or "Run the load again, or read the server's log."
            )
            kind = StageLost if code in BUSY or status >= 500 else StageError
            raise kind(f"{failed}: the server answered {code or 'with an error'} ({status}). {remedy}") from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise StageError(
                f"{failed}: found no credentials. Set them in the stage's credentials block, or give the machine a "
                "role."
            ) from error
        except (*LOST, OSError) as error:
            # Raise without the cause: its text has the endpoint, which may contain a password before the "@".
            endpoint = urlsplit(self._client.meta.endpoint_url)
            reason = str(error) if isinstance(error, _BodyLost) else type(error).__name__
            raise StageLost(
                f"{failed}: {reason} at {endpoint.scheme}://{endpoint.netloc.rpartition('@')[2]}. "
                "Check that the server runs there, and that this machine can reach it. Then run the load again."
            ) from None
        except BotoCoreError as error:
            raise StageError(f"{failed}: {error}. Correct the stage's block.") from error
