"""`daybook stage clean` deletes old prefixes of Daybook, and nothing that runs, is new, or belongs to others."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daybook.cli.tables.stage_clean import main
from daybook.stage.base import StagedObject
from daybook.stage.folder import FolderStage
from daybook.stage.leftovers import leftovers

NOW = datetime.now(UTC)


class Ends:
    """A server with these running flow runs."""

    def __init__(self, *running: str) -> None:
        self._runs = [SimpleNamespace(name=name) for name in running]

    @contextmanager
    def server(self) -> Iterator[Any]:
        yield SimpleNamespace(read_flow_runs=lambda **given: [] if given["offset"] else self._runs)


def put(stage: FolderStage, table: str, run: str, days_ago: int, written_days_ago: int | None = None) -> str:
    """Write two objects of a run that began `days_ago`. Return its prefix."""
    prefix = f"{table}/{NOW - timedelta(days=days_ago):%Y%m%dT%H%M%SZ}-{run}-0123abcd"
    moment = (NOW - timedelta(days=days_ago if written_days_ago is None else written_days_ago)).timestamp()
    for name in ("part-00001.csv.zst", "manifest.json"):
        stage.put(f"{prefix}/{name}", b"x" * 1000)
        os.utime(stage.path / prefix / name, (moment, moment))
    return prefix


@pytest.fixture
def stage(tmp_path: Path) -> FolderStage:
    return FolderStage(tmp_path / "stage")


def files(stage: FolderStage) -> list[str]:
    return sorted({str(path.parent.relative_to(stage.path)) for path in stage.path.rglob("*") if path.is_file()})


def test_only_what_is_old_and_idle_is_deleted(stage: FolderStage, capsys: pytest.CaptureFixture[str]) -> None:
    kept = [
        put(stage, "raw.nps", "new", 3),
        put(stage, "raw.nps", "still-written", 30, 2),
        put(stage, "raw.nps", "raw.nps_2021-02-05", 30),
    ]
    stage.put("others/file.csv", b"x")
    os.utime(stage.path / "others/file.csv", (0, 0))
    old = put(stage, "raw.nps", "old", 20)
    ends = Ends("raw.nps 2021-02-05")
    before = files(stage)

    def clean(*arguments: str) -> tuple[int, str]:
        code = main(["clean", *arguments], "daybook stage", ends, lambda: stage)  # type: ignore[arg-type]
        return code, capsys.readouterr().out

    code, said = clean("--dry-run")
    assert code == 0 and old in said and "2 objects" in said and "Dry run: nothing was changed" in said
    assert not any(prefix in said for prefix in kept) and files(stage) == before
    (planned,) = json.loads(clean("--dry-run", "--json")[1])
    assert planned["prefix"].endswith(old) and (planned["objects"], planned["bytes"]) == (2, 2000)
    assert files(stage) == before
    assert clean("--older-than", "25d")[1].startswith(f"folder {stage.path} has nothing older than 25 days")
    code, said = clean("--yes")
    assert code == 0 and "Deleted 2 objects of 1 loads" in said
    assert files(stage) == sorted([*kept, "others"])
    with pytest.raises(SystemExit, match="ChangeRefused: nobody can answer"):
        put(stage, "raw.nps", "old", 20)
        clean()
    assert len(files(stage)) == 5


@pytest.mark.parametrize("age", ["14", "2w", "12h", "0d", "-3d"])
def test_a_bad_age_is_refused(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["clean", f"--older-than={age}"])
    assert left.value.code == 2 and repr(age) in capsys.readouterr().err


@pytest.mark.parametrize(
    "key",
    [
        "x.csv",
        "raw.nps/x.csv",
        "raw.nps/2021/x.csv",
        "raw.nps/20210206T090003Z-run/x",
        "a/b/20210206T090003Z-r-0123abcd/x",
    ],
)
def test_other_names_are_left_alone(key: str) -> None:
    assert leftovers([StagedObject(key, 1, datetime(2021, 1, 1, tzinfo=UTC))], NOW) == []


@pytest.mark.servers
def test_s3_is_listed(s3: Any) -> None:
    from daybook.stage.base import new_prefix
    from daybook.stage.s3 import S3Stage

    stage = S3Stage(s3.client(), s3.bucket, "cleaned")
    key = f"{new_prefix('raw.nps', 'a run')}/part"
    stage.put(key, b"abc")
    (found,) = stage.objects()
    assert (found.key, found.bytes) == (key, 3) and abs(found.written_at - datetime.now(UTC)) < timedelta(minutes=5)
    later = datetime.now(UTC) + timedelta(days=1)
    assert [one.keys for one in leftovers([found], later)] == [(key,)] and leftovers([found], later, ["a run"]) == []
