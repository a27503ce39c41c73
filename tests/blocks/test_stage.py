"""The stage is a bucket or an absolute folder, or the refusal says how to write it."""

from pathlib import Path

import pytest

from blocks.stage import STAGE_URL, S3Place
from tests.support.declared_blocks import KEYS, S3, plan, refused

REFUSALS = {
    "keys in the stage": S3 | KEYS | {"DAYBOOK_STAGE_URL": "s3://k:hunter2@lake/d"},
    "no bucket": S3 | KEYS | {"DAYBOOK_STAGE_URL": "s3:///daybook"},
    "another cloud": {"DAYBOOK_STAGE_URL": "gs://lake/daybook"},
    "a folder of another machine": {"DAYBOOK_STAGE_URL": "file://nas/stage"},
    "a stage that is a file": {"DAYBOOK_STAGE_URL": __file__},
    "a stage of nobody": {"DAYBOOK_STAGE_URL": "~no-such-user-here/x"},
}


@pytest.mark.parametrize("environ", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_is_neither_a_bucket_nor_a_folder_is_refused(environ: dict[str, str]) -> None:
    assert refused(environ) == ["DAYBOOK_STAGE_URL"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://lake", S3Place("lake", "")),
        ("s3://lake/", S3Place("lake", "")),
        ("s3://lake/a/b/", S3Place("lake", "a/b")),
        ("stage", Path.cwd() / "stage"),
        ("~/stage", Path.home() / "stage"),
        ("/stage", Path("/stage")),
        ("/var/stage/../x y", Path("/var/x y")),
        ("file:///var/x%20y", Path("/var/x y")),
        ("file://localhost/var/x", Path("/var/x")),
    ],
)
def test_a_stage_is_a_bucket_or_an_absolute_folder(text: str, place: S3Place | Path) -> None:
    environ = {"DAYBOOK_STAGE_URL": text, "AWS_REGION": "eu-west-1"} | KEYS

    assert plan(environ).environment[STAGE_URL] == place
