"""A bucket with files, and a warehouse to load them into."""

import bz2
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow
import pyarrow.parquet
import zstandard

from daybook.definitions.table import Table
from tests.support.source_and_warehouse import Endpoints

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Functions that compress a file, by the suffix of its name.
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
#: Functions that write rows as the bytes of a file, by format.
WRITE: dict[str, Callable[[Sequence[str], Sequence[Sequence[Any]]], bytes]] = {
    "csv": lambda names, rows: "".join(
        ",".join("" if value is None else str(value) for value in row) + "\n" for row in (names, *rows)
    ).encode(),
    "jsonl": lambda names, rows: "".join(
        json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows
    ).encode(),
    "parquet": lambda names, rows: parquet(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))),
}
COLUMNS = {"id": "int", "day": "date", "name": "varchar(20)", "score": "double"}


def parquet(columns: Mapping[str, Any], **options: Any) -> bytes:
    """Return a Parquet file with these columns."""
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), out, **options)
    return out.getvalue()


@dataclass
class Folder:
    """A bucket, its client, and the two ends of a load from it. It also provides the connection to the bucket."""

    ends: Endpoints
    client: "S3Client"
    bucket: str

    def s3(self, name: str) -> "S3Client":
        assert name == "aws"
        return self.client

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def keys(self) -> set[str]:
        return {found["Key"] for found in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())}

    def table(
        self, path: str = "", format: str = "csv", *, source: Mapping[str, Any] | None = None, **fields: Any
    ) -> Table:
        """Return a table of the files at `path`: of all rows, or with a `cursor`, of days."""
        if "cursor" in fields:
            fields = {"load": "replace_interval", "interval": "day", **fields}
        given = {"kind": "s3", "path": f"s3://{self.bucket}/{path}", "format": format, **(source or {})}
        return self.ends.table(source=given, **{"columns": COLUMNS, "key": ["id"], **fields})

    def days(self, format: str = "csv", **fields: Any) -> Table:
        """Return a table with one folder per day."""
        return self.table("x/dt={execution_date}/", format, cursor="day", **fields)
