"""The stage and Slack."""

from pathlib import Path

import httpx
import pytest

from daybook.errors import StageError
from daybook.orchestration.doctor import services
from daybook.stage.folder import FolderStage

HOOK = "https://hooks.slack.com/services/T/B/hunter2"


@pytest.mark.parametrize(
    ("status", "body", "level"),
    [
        (400, "no_text", "ok"),
        (400, "invalid_payload", "ok"),
        (404, "no_service", "error"),
        (403, "invalid_token", "error"),
    ],
)
def test_a_webhook_is_reached_without_a_message(
    status: int, body: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def post(url: str, json: object, timeout: float) -> httpx.Response:
        sent.append((url, json))
        return httpx.Response(status, text=body)

    monkeypatch.setattr(services.httpx, "post", post)
    (found,) = services.check_slack(HOOK)
    assert (found.level, sent) == (level, [(HOOK, {})])
    assert "hunter2" not in found.text + found.remedy


def test_a_stage(tmp_path: Path) -> None:
    (found,) = services.check_stage(FolderStage(tmp_path), redshift=False)
    assert found.level == "ok" and not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [one.level for one in services.check_stage(FolderStage(tmp_path), redshift=True)] == ["ok", "error"]
    (tmp_path / "file").touch()
    with pytest.raises(StageError):
        list(services.check_stage(FolderStage(tmp_path / "file"), redshift=False))
