"""The key file of a service account is one, and is whole."""

import json
from pathlib import Path

import pytest

from tests.support.declared_blocks import refused
from tests.support.service_account import write_key_file


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/nowhere.json", id="missing"),
        pytest.param("/", id="a folder"),
        pytest.param(__file__, id="not JSON"),
    ],
)
def test_a_file_that_is_not_a_key_is_refused(path: str) -> None:
    assert refused({"GOOGLE_SERVICE_ACCOUNT_FILE": path}) == ["GOOGLE_SERVICE_ACCOUNT_FILE"]


@pytest.mark.parametrize("damage", [{"type": "authorized_user"}, {"private_key": "hunter2"}, {"client_email": None}])
def test_a_damaged_key_file_is_refused(tmp_path: Path, damage: dict[str, str | None]) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(write_key_file(path) | damage))

    assert refused({"GOOGLE_SERVICE_ACCOUNT_FILE": str(path)}) == ["GOOGLE_SERVICE_ACCOUNT_FILE"]
