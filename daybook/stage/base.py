"""The stage: where the rows of a run wait, compressed and checksummed, between the source and the warehouse.

`parts` writes and reads the rows of a run, `folder` and `s3` are the places that can hold them.
"""

import re
import unicodedata
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Stage(Protocol):
    """A place for objects. A key is a relative path with slashes, such as `<prefix of the run>/part-00001.csv.zst`.

    `str(stage)` names the place for a log line, without any secret. All methods may be called from several threads,
    and raise StageError, which names the object and what to do, when the place does not answer as it should.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write the object. Whoever reads it sees all of it or nothing."""

    def get(self, key: str) -> bytes:
        """The object's bytes: whole, since parts are small, so that they are checked before their first row is used."""

    def delete(self, key: str) -> None:
        """Remove the object; one that is gone already is as good as removed."""

    def uri(self, key: str) -> str:
        """The object's address, as a person or a warehouse's COPY needs it: `s3://…` or `file:///…`."""


def new_prefix(table_name: str, run_id: str) -> str:
    """A prefix that no other run, and no other attempt of this run, has: `raw_data.nps/20210206T090003Z-run-1f0c9a2e`.

    Takes the table's name and the run's id, which may hold any characters. Returns only characters that S3 calls safe
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html) and that every file system takes. The time
    is UTC, so that a listing shows how old a prefix is.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{_readable(table_name, 'table')}/{stamp}-{_readable(run_id, 'run')}-{uuid.uuid4().hex[:8]}"


def _readable(name: str, otherwise: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", ascii_name)[:80].strip("._-") or otherwise
