"""Objects on a stage, and the unique prefixes of runs."""

import re
import stat
from pathlib import Path

import pytest

from daybook.errors import StageError
from daybook.stage.base import Stage, new_prefix
from daybook.stage.folder import FolderStage
from daybook.stage.s3 import S3Stage
from tests.support.servers.s3 import S3


def test_an_object_exists_from_put_to_delete(stage: Stage) -> None:
    stage.put("run/part", b"first")
    stage.put("run/part", b"second")
    assert stage.get("run/part") == b"second"
    stage.delete("run/part")
    with pytest.raises(StageError, match="run/part"):
        stage.get("run/part")


def test_deleting_a_missing_object_succeeds(stage: Stage) -> None:
    stage.put("run/part", b"rows")
    stage.delete("run/part")
    stage.delete("run/part")
    stage.delete("another run/part")
    with pytest.raises(StageError, match="exist"):
        stage.get("run/part")


def test_uri(s3: S3, tmp_path: Path) -> None:
    in_bucket, in_prefix = (S3Stage(s3.client(), "bucket", prefix) for prefix in ("", "/some/where/"))
    assert (str(in_bucket), in_bucket.uri("run/part")) == ("s3://bucket", "s3://bucket/run/part")
    assert (str(in_prefix), in_prefix.uri("run/part")) == ("s3://bucket/some/where", "s3://bucket/some/where/run/part")
    folder = FolderStage(tmp_path)
    assert (str(folder), folder.uri("run/part")) == (f"folder {tmp_path}", f"file://{tmp_path}/run/part")


def test_no_secret_is_shown(s3: S3) -> None:
    stage = S3Stage(s3.client(), "bucket", "prefix")
    assert not re.search(f"{s3.access_key}|{s3.secret_key}", f"{stage} {stage!r} {stage.uri('key')}")


def test_a_folder_is_private_and_deleted_with_its_last_object(tmp_path: Path) -> None:
    stage = FolderStage(tmp_path / "stage")
    stage.put("raw_data.nps/run/part", b"rows")
    file = tmp_path / "stage/raw_data.nps/run/part"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [found.name for found in file.parent.iterdir()] == ["part"]
    stage.delete("raw_data.nps/run/part")
    assert not file.parent.exists()


@pytest.mark.parametrize("key", ["../outside", "run/../../outside", "/etc/outside", "", "."])
def test_a_key_outside_of_the_folder_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(StageError, match="relative path"):
        FolderStage(tmp_path / "stage").put(key, b"rows")


def test_a_folder_that_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StageError, match=r"Cannot write .*/file/run/part: Not a directory.*needs write access"):
        FolderStage(tmp_path / "file").put("run/part", b"rows")


@pytest.mark.parametrize(
    "table", ["raw_data.nps", "with space.and/slash", "../..", "...", "", "Übergrößen.表", "a" * 300, "x\n\0;'\"$(y)%"]
)
def test_a_prefix_is_safe_for_every_table_name(tmp_path: Path, table: str) -> None:
    prefix = new_prefix(table, f"{table} run/1")
    assert re.fullmatch(r"[A-Za-z0-9][\w.-]{0,79}/\d{8}T\d{6}Z-[A-Za-z0-9][\w.-]*-[0-9a-f]{8}", prefix, re.ASCII)
    stage = FolderStage(tmp_path)
    stage.put(f"{prefix}/part", b"rows")
    assert stage.get(f"{prefix}/part") == b"rows"


def test_a_prefix_is_readable_and_unique() -> None:
    prefixes = {new_prefix("raw_data.nps", "brave-otter") for _ in range(1000)}
    assert len(prefixes) == 1000
    assert all(re.match(r"raw_data\.nps/\d{8}T\d{6}Z-brave-otter-", prefix) for prefix in prefixes)
