"""Failures of the stage: the error that a person reads, and the objects that remain."""

import contextlib
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from daybook.errors import SourceError, StageError, ValueRefused
from daybook.stage.base import Stage
from daybook.stage.csv_format import Chunk, CsvFormat
from daybook.stage.parts import read_manifest, remove, write_parts
from daybook.stage.s3 import S3Stage
from tests.support.csv_rows import chunk, staged
from tests.support.servers.s3 import S3, running_s3

PREFIX = "raw_data.nps/run"


def write(stage: Stage, chunks: Iterator[Chunk], part_bytes: int = 1) -> None:
    columns = ["id", "comment"]
    write_parts(stage, PREFIX, chunks, table="raw_data.nps", columns=columns, format=CsvFormat(), part_bytes=part_bytes)


def shown(error: BaseException) -> str:
    """Return everything that a log could show of the error."""
    return "".join(traceback.format_exception(error))


def test_a_nul_byte_is_refused_with_column_and_key(stage: Stage) -> None:
    rows = [[str(number), 'of two\n"lines"'] for number in range(1, 5)]
    rows[2][1] += "\0"
    with pytest.raises(ValueRefused, match=r"raw_data\.nps: column 'comment' of row id = '3' contains a NUL byte"):
        staged(stage, chunk(*rows[:1]), chunk(*rows[1:]))


def test_a_nul_byte_in_a_row_without_key_is_refused_with_its_number(stage: Stage) -> None:
    with pytest.raises(ValueRefused, match="column 'id' of row number 3 of the run"):
        write(stage, iter([chunk(["1", "x"], ["2", "y"]), chunk(["3\0", "x" * 200_000])]))


@pytest.mark.parametrize("data", [b'"1","x"', b'"1","x\n', b'"1","x\n"2","y"\n"3","z"\n'])
def test_a_source_that_yields_partial_rows_fails(stage: Stage, data: bytes) -> None:
    with pytest.raises(StageError, match="whole rows"):
        write(stage, iter([Chunk(data, 3)]), part_bytes=4)


def test_a_source_that_fails_leaves_its_parts_without_a_manifest(stage: Stage) -> None:
    def chunks() -> Iterator[Chunk]:
        yield chunk(["1", "x"])
        yield chunk(["2", "y"])
        raise SourceError("production went away")

    with pytest.raises(SourceError, match="production went away") as failed:
        write(stage, chunks())
    assert f"raw_data.nps remain, without a manifest, at {stage.uri(PREFIX)}" in shown(failed.value)
    assert stage.get(f"{PREFIX}/part-00001.csv.zst")
    with pytest.raises(StageError, match=r"manifest\.json"):
        read_manifest(stage, PREFIX)


def rows_around(event: Callable[[], object], s3: S3, bucket: str) -> Iterator[Chunk]:
    """Yield rows until three parts have arrived, call `event`, and yield more rows."""
    for number in range(4):
        yield chunk([str(number), "x"])
        # A part is uploaded when the next row does not fit into it.
        deadline = time.monotonic() + 60
        while len(s3.keys(bucket)) < number:
            assert time.monotonic() < deadline, "the parts do not arrive"
            time.sleep(0.01)
    event()
    for number in range(4, 20):
        yield chunk([str(number), "x"])


def test_a_bucket_that_is_deleted_during_the_run(s3: S3) -> None:
    client, bucket = s3.client(), "half-way"
    client.create_bucket(Bucket=bucket)

    def drop_bucket() -> None:
        for key in s3.keys(bucket):
            client.delete_object(Bucket=bucket, Key=key)
        client.delete_bucket(Bucket=bucket)

    with pytest.raises(
        StageError, match=r"Cannot write s3://half-way/raw_data.nps/run/part-00004.*bucket does not exist"
    ):
        write(S3Stage(client, bucket), rows_around(drop_bucket, s3, bucket))


@pytest.mark.servers
def test_a_server_that_stops_during_the_run(tmp_path: Path) -> None:
    with contextlib.ExitStack() as running:
        s3 = running.enter_context(running_s3(tmp_path))
        stage = S3Stage(s3.client(), s3.bucket)
        error = f"{PREFIX}/part-.*{s3.endpoint}.*that this machine can reach it"
        with pytest.raises(StageError, match=error) as failed:
            write(stage, rows_around(running.close, s3, s3.bucket))
    assert f"raw_data.nps remain, without a manifest, at {stage.uri(PREFIX)}/" in shown(failed.value)
    kept = sorted(file.name for file in (tmp_path / "buckets" / s3.bucket / PREFIX).iterdir())
    assert kept == [f"part-0000{number}.csv.zst" for number in (1, 2, 3)]
    assert_no_secret(s3, failed.value)


@pytest.mark.servers
def test_a_part_that_cannot_be_removed_does_not_fail_the_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running_s3(tmp_path) as s3:
        stage = S3Stage(s3.client(), s3.bucket)
        manifest = staged(stage, chunk(["1", "x"]))
    left = [stage.uri(key) for key in (manifest.key, manifest.copy_key, manifest.parts[0].key)]
    assert remove(stage, manifest) == left
    assert all(uri in caplog.text for uri in left)


def test_a_bucket_that_does_not_exist(s3: S3) -> None:
    stage = S3Stage(s3.client(), "nowhere")
    for use in (lambda: stage.put("key", b""), lambda: stage.get("key"), lambda: stage.delete("key")):
        with pytest.raises(StageError, match=r"s3://nowhere/key \(bucket 'nowhere'\).*NoSuchBucket \(404\).*create it"):
            use()


def test_a_bucket_with_an_invalid_name(s3: S3) -> None:
    with pytest.raises(StageError, match="Invalid bucket name"):
        S3Stage(s3.client(), "no such / name").put("key", b"")


@pytest.mark.parametrize(
    ("right_key", "right_secret", "remedy"),
    [(False, True, "does not know the access key"), (True, False, "secret key does not fit the access key")],
)
def test_wrong_keys_are_named_and_not_shown(s3: S3, right_key: bool, right_secret: bool, remedy: str) -> None:
    wrong = replace(
        s3,
        access_key=s3.access_key if right_key else "WRONGACCESSKEY",
        secret_key=s3.secret_key if right_secret else "wrongsecretkey",
    )
    with pytest.raises(StageError, match=f"{remedy}.*credentials block") as refused:
        S3Stage(wrong.client(), s3.bucket).put("key", b"rows")
    assert_no_secret(s3, refused.value)
    assert_no_secret(wrong, refused.value)


def test_missing_credentials(s3: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.session.Session().client("s3", endpoint_url=s3.endpoint, region_name=s3.region)
    with pytest.raises(StageError, match=r"found no credentials.*credentials block"):
        S3Stage(client, s3.bucket).put("key", b"rows")


def assert_no_secret(s3: S3, error: BaseException) -> None:
    assert s3.secret_key not in shown(error)
    assert s3.access_key not in shown(error)


@pytest.mark.servers
def test_importing_the_stage_does_not_import_boto3() -> None:
    code = "import daybook.stage.parts, daybook.stage.folder, sys; print({'boto3', 'botocore'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
