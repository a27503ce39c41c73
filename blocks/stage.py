"""The stage: the bucket or the folder through which rows pass on their way to the warehouse."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from daybook.extras import extra
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue

if TYPE_CHECKING:
    from prefect.blocks.core import Block


@dataclass(frozen=True)
class S3Place:
    """`s3://bucket/prefix`. The prefix has no slash at either end, and may be empty."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def read_stage(text: str) -> S3Place | Path:
    """Return the bucket of `s3://bucket/prefix`, or the absolute path of a folder.

    A folder may be given as `file://` or as a plain path, with `~` or relative to the working directory.
    Raises `BadValue` if `text` is neither.
    """
    if text.startswith("s3://"):
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        # Amazon's naming rules before 2018, which S3-compatible servers and old buckets still follow.
        if not re.fullmatch(r"[A-Za-z0-9._-]{3,255}", bucket):
            raise BadValue(
                "has no valid bucket name: write s3://BUCKET/PREFIX (keys go into AWS_ACCESS_KEY_ID, not here)"
            )
        return S3Place(bucket, prefix.strip("/"))
    if text.startswith("file:"):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise BadValue("is not a folder on this machine: write file:///ABSOLUTE/PATH, or just the path")
        text = unquote(parts.path)
    elif "://" in text:
        raise BadValue("is not on S3, and not a folder: write s3://BUCKET/PREFIX, or a path")
    try:
        folder = Path(text).expanduser().resolve()
    except (RuntimeError, ValueError):  # no such ~user; a NUL byte
        raise BadValue("is not a path on this machine: write an absolute path") from None
    if folder.exists() and not folder.is_dir():
        raise BadValue(f"{folder} is a file: write the path of a folder, which may not exist yet")
    return folder


STAGE_URL = Variable(
    name="DAYBOOK_STAGE_URL",
    description="an S3 bucket or a folder; switching from one to the other deletes the old block",
    read=read_stage,
    examples=("s3://BUCKET/PREFIX", "/var/lib/daybook/stage"),
)


class Stage(BlockDeclaration):
    """The stage. Only one can exist: a bucket replaces a folder, and a folder replaces a bucket."""

    position = 40
    makes = "S3Bucket/stage or LocalFileSystem/stage"
    variables = (STAGE_URL,)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the bucket with the credentials that were saved before it, or the folder."""
        from daybook.orchestration.blocks.stored_blocks import FOLDER_STAGE, S3_STAGE

        place = environment[STAGE_URL]
        stage: Block
        if isinstance(place, S3Place):
            with extra("s3"):
                from prefect_aws import S3Bucket

            credentials = saved["AwsCredentials/aws"]
            stage = S3Bucket(bucket_name=place.bucket, bucket_folder=place.prefix, credentials=credentials)
            replaces = ("LocalFileSystem", FOLDER_STAGE)
        else:
            from prefect.filesystems import LocalFileSystem

            stage = LocalFileSystem(basepath=str(place))
            replaces = ("S3Bucket", S3_STAGE)
        yield BlockToSave(stage, "stage", shown=str(place), replaces=replaces)
