"""The stage: storage for the rows of a run, compressed and checksummed, between the source and the warehouse.

`parts` writes and reads the rows of a run. `folder` and `s3` are the two kinds of storage.
"""

import re
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The keys of a storage, with a token if they are temporary. No `repr` shows them."""

    id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Stage(Protocol):
    """Storage for objects. A key is a relative path with slashes, such as `<prefix of the run>/part-00001.csv.zst`.

    `str(stage)` names the storage in logs, without any secret. All methods are safe to call from several threads.

    Raises:
        StageError: from every method, if the storage fails. The message names the object and the remedy.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write an object. Readers see all of it or nothing."""

    def get(self, key: str) -> bytes:
        """Return all bytes of an object. Parts are small, and are verified before their first row is used."""

    def delete(self, key: str) -> None:
        """Delete an object. Succeed if it does not exist."""

    def uri(self, key: str) -> str:
        """Return the address of an object for people and for a warehouse's COPY: `s3://…` or `file:///…`."""

    def region(self) -> str | None:
        """Return the region of the storage, for a warehouse in another one; None if the storage has none."""

    def access_keys(self) -> AccessKeys | None:
        """Return the keys that are valid now, for a warehouse that reads the storage with them; None without any."""


@dataclass(frozen=True, slots=True)
class StagedObject:
    """An object of a stage, as a listing has it."""

    key: str
    bytes: int
    written_at: datetime
    """The time of the last write, in UTC."""


class ListableStage(Stage, Protocol):
    """A stage that can list its objects."""

    def objects(self) -> Iterator[StagedObject]:
        """Yield all objects. Raises StageError if the storage refuses or fails."""


def new_prefix(table_name: str, run_id: str) -> str:
    """Return a prefix that is unique for each attempt of a run: `raw_data.nps/20210206T090003Z-run-1f0c9a2e`.

    The name of the table and the id of the run may contain any characters. The prefix has only characters that S3 calls
    safe (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html) and that every file system accepts. It
    starts with the current time in UTC, so that a listing shows the age of a prefix.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{readable(table_name, 'table')}/{stamp}-{readable(run_id, 'run')}-{uuid.uuid4().hex[:8]}"


def readable(name: str, otherwise: str) -> str:
    """Return a part of a prefix for a name with any characters, or `otherwise` if none of them can stay."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", ascii_name)[:80].strip("._-") or otherwise
