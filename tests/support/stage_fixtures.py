"""A fixture with a stage of each kind."""

from pathlib import Path

import pytest

from daybook.stage.base import Stage
from daybook.stage.folder import FolderStage
from daybook.stage.s3 import S3Stage
from tests.support.servers.s3 import S3


@pytest.fixture(params=["folder", "s3"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """Return an empty stage: a folder, or a bucket of a real S3 server."""
    if request.param == "folder":
        return FolderStage(tmp_path / "stage")
    server: S3 = request.getfixturevalue("s3")
    return S3Stage(server.client(), request.getfixturevalue("s3_bucket"), "some/where")
