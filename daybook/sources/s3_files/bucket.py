"""A bucket with files: list them, and read exactly the versions that were listed."""

import email.utils
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import tenacity

from daybook.errors import DaybookError, FileRefused, SourceError, SourceLost
from daybook.extras import extra
from daybook.stage.s3 import BUSY, LOST, bucket_region

with extra("s3"):
    from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = {"PreconditionFailed", "NoSuchKey", "412", "404"}
_CHANGED = "the file was changed or deleted during the run. Run the load again when the files are completely written"
_REMEDIES = {
    "NoSuchBucket": "The bucket does not exist: correct path: in the table file",
    "AccessDenied": "Access denied: the account needs s3:ListBucket for the bucket and s3:GetObject for the files",
    "InvalidAccessKeyId": "The server does not know the access key: correct it in the block",
    "SignatureDoesNotMatch": "The secret key does not fit the access key: correct it in the block",
    "ExpiredToken": "The session token has expired: renew it in the block",
}
_RETRYING = tenacity.Retrying(
    stop=tenacity.stop_after_attempt(5),
    wait=tenacity.wait_random_exponential(multiplier=0.2, max=10),
    retry=tenacity.retry_if_exception_type(LOST),
    reraise=True,
)


@dataclass(frozen=True, slots=True)
class Object:
    """A file as it was listed."""

    key: str
    etag: str
    """The version of the file, to detect changes."""
    size: int


class Bucket:
    """The bucket `name`, with a client that has the credentials of `block`. Errors name `table`."""

    def __init__(self, client: "S3Client", name: str, block: str, table: str) -> None:
        self._client, self.name, self._block, self._table = client, name, block, table

    def uri(self, key: str) -> str:
        """Return the address of a file or a folder."""
        return f"s3://{self.name}/{key}"

    def region(self) -> str | None:
        """Return the bucket's region; None for a server other than Amazon's.

        Raises:
            SourceLost: the server cannot be reached.
        """
        with self.explained("find", ""):
            return bucket_region(self._client, self.name)

    def now(self) -> datetime:
        """Return the current time in UTC by the server's clock, in whole seconds.

        Raises:
            SourceError: the bucket cannot be listed.
            SourceLost: the server cannot be reached.
        """
        with self.explained("list", ""):
            answer = self._client.list_objects_v2(Bucket=self.name, MaxKeys=1)
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return email.utils.parsedate_to_datetime(date).astimezone(UTC) if date else datetime.now(UTC)

    def file(self, key: str) -> list[Object]:
        """Return a list with the file `key`, or an empty list if it does not exist."""
        with self.explained("list", key):
            answer = self._client.list_objects_v2(Bucket=self.name, Prefix=key, MaxKeys=1)
        return [_object(found) for found in answer.get("Contents", ()) if found["Key"] == key]

    def folder(self, prefix: str) -> tuple[list[Object], list[str]]:
        """Return the files and the folders directly in the folder `prefix`, which ends with a slash."""
        files: list[Object] = []
        folders: list[str] = []
        with self.explained("list", prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/"):
                files += [_object(found) for found in page.get("Contents", ())]
                folders += [found["Prefix"] for found in page.get("CommonPrefixes", ())]
        return files, folders

    def open(self, file: Object, start: int = 0) -> io.BufferedReader:
        """Stream the bytes of a file from `start` on.

        Raises:
            FileRefused: while reading: the file has changed since it was listed.
            SourceLost: while reading: the server cannot be reached.
        """
        return io.BufferedReader(_Body(self, file, start), 1 << 18)

    def read_from(self, file: Object, start: int) -> Any:
        """Return the body with the bytes of a file from `start` on. Raise FileRefused, and errors of the client."""
        answer = self._client.get_object(
            Bucket=self.name, Key=file.key, IfMatch=f'"{file.etag}"', Range=f"bytes={start}-"
        )
        if answer["ETag"].strip('"') != file.etag:  # some servers ignore If-Match
            raise FileRefused(f"{self._table}, {self.uri(file.key)}: {_CHANGED}")
        return answer["Body"]

    @contextmanager
    def explained(self, verb: str, key: str) -> Iterator[None]:
        """Convert failures of S3 to errors with the action, the block and the remedy."""
        failed = f"{self._table}: cannot {verb} {self.uri(key)} with the credentials of block {self._block!r}"
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if verb == "read" and code in _GONE:
                raise FileRefused(f"{self._table}, {self.uri(key)}: {_CHANGED}") from None
            kind: type[DaybookError] = SourceLost if code in BUSY or status >= 500 else SourceError
            remedy = _REMEDIES.get("AccessDenied" if status == 403 and code not in _REMEDIES else code)
            raise kind(
                f"{failed}: the server answered {code} ({status}). {remedy or 'Run the load again later'}"
            ) from None
        except LOST as error:  # without its text: it has the endpoint, which may contain a password
            raise SourceLost(
                f"{failed}: {type(error).__name__}. Check the endpoint in the block, and that the server runs"
            ) from None
        except BotoCoreError as error:
            raise SourceError(f"{failed}: {error}. Correct the block") from None


class _Body(io.RawIOBase):
    """The bytes of a file. If the connection breaks, reading continues at the same position."""

    def __init__(self, bucket: Bucket, file: Object, start: int) -> None:
        self._bucket, self._file, self._at = bucket, file, start
        self._answer: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._file.size:
            return 0
        with self._bucket.explained("read", self._file.key):
            data = _RETRYING(self._read, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        super().close()

    def _read(self, size: int) -> bytes:
        try:
            if self._answer is None:
                self._answer = self._bucket.read_from(self._file, self._at)
            data: bytes = self._answer.read(size)
            if not data:
                raise IncompleteReadError(actual_bytes=self._at, expected_bytes=self._file.size)
            return data
        except LOST:
            self._answer = None
            raise


def _object(found: Any) -> Object:
    return Object(found["Key"], found["ETag"].strip('"'), found["Size"])  # only some servers quote ETags in a listing
